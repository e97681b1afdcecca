package capture

import (
	"encoding/binary"
	"flag"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var folder = flag.String("folder", "", "convert the captures in this folder, too")

// TestEditcap reads what editcap writes: the frames are those of the capture that it
// came from, to the resolution of the format.
func TestEditcap(t *testing.T) {
	if _, err := exec.LookPath("editcap"); err != nil {
		t.Skip(err)
	}
	files, err := filepath.Glob("../../samples/*.pcapng")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	files = files[:min(len(files), 6)]
	if *folder != "" {
		filepath.WalkDir(*folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return nil
		})
	}
	for _, c := range []struct {
		editcap, format string
		unit            int64 // nanoseconds
	}{
		{"snoop", "snoop", 1e3}, {"netmon1", "netmon1", 1e6}, {"netmon2", "netmon2", 1e3}, {"modpcap", "pcap", 1e3}, {"nokiapcap", "pcap", 1e3},
		{"rh6_1pcap", "pcap", 1e3}, {"suse6_3pcap", "pcap", 1e3}, {"nsecpcap", "pcap", 1}, {"erf", "erf", 1},
	} {
		t.Run(c.editcap, func(t *testing.T) {
			tried, same := 0, 0
			for _, name := range files {
				content, err := os.ReadFile(name)
				if err != nil {
					continue
				}
				want, _, err := read(content, Options{})
				if err != nil || len(want) == 0 {
					continue
				}
				to := filepath.Join(t.TempDir(), "x")
				if exec.Command("editcap", "-F", c.editcap, name, to).Run() != nil {
					continue // one format has no room for what another holds
				}
				tried++
				got, info, err := readFile(to)
				if err != nil || info.Format != c.format {
					t.Errorf("%s: %v, format %q", name, err, info.Format)
					continue
				}
				if same++; !sameFrames(t, name, got, want, c.unit) {
					same--
				}
			}
			t.Logf("%d captures, the same frames in %d", tried, same)
		})
	}
}

// TestEditcap_others: what else editcap writes is named, with what converts it.
func TestEditcap_others(t *testing.T) {
	if _, err := exec.LookPath("editcap"); err != nil {
		t.Skip("skipped: there is no editcap here")
	}
	names, err := filepath.Glob("../../samples/*.pcapng")
	if err != nil || len(names) == 0 {
		t.Fatal("no samples", err)
	}
	for format, name := range map[string]string{
		"5views": "5View", "commview-ncf": "CommView", "commview-ncfx": "CommView", "k12text": "K12", "lanalyzer": "LANalyzer", "nettl": "nettl",
		"ngsniffer": "DOS Sniffer", "ngwsniffer_1_1": "NetXray", "ngwsniffer_2_0": "NetXray", "observer": "Observer", "visual": "UpTime",
	} {
		to := filepath.Join(t.TempDir(), "x")
		if exec.Command("editcap", "-F", format, names[0], to).Run() != nil {
			continue // this version cannot
		}
		if _, _, err := readFile(to); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "convert it: editcap") {
			t.Errorf("%s: %v, want %s and what converts it", format, err, name)
		}
	}
}

// readFile reads a file through a block of the usual size: a patched format is
// recognised by its second record.
func readFile(name string) (frames []got, info Info, err error) {
	f, err := open(name, &Options{}, 0)
	if err != nil {
		return nil, Info{}, err
	}
	defer f.Close()
	var fr Frame
	for err = f.Next(&fr); err == nil; err = f.Next(&fr) {
		frames = append(frames, keep(&fr))
	}
	if err == io.EOF {
		err = nil
	}
	return frames, f.Info(), err
}

func sameFrames(t *testing.T, name string, frames, want []got, unit int64) bool {
	t.Helper()
	if len(frames) != len(want) {
		t.Errorf("%s: %d frames, want %d", name, len(frames), len(want))
		return false
	}
	for i := range want {
		g, w := &frames[i], &want[i]
		if d := g.At - w.At; d > unit || d < -unit || g.Data != w.Data || g.Len != w.Len || g.Link != w.Link || g.Num != w.Num {
			t.Errorf("%s: frame %d: at %d, %d of %d bytes, %v\nwant %d, %d of %d, %v", name, i+1, g.At, len(g.Data), g.Len, g.Link, w.At, len(w.Data), w.Len, w.Link)
			return false
		}
	}
	return true
}

// smallSnoop, smallNetmon and smallERF are files with two frames.
func smallSnoop() []byte {
	be := binary.BigEndian
	b := append([]byte(snoopMagic), 0, 0, 0, 2, 0, 0, 0, 4)
	for i := range uint32(2) {
		for _, n := range []uint32{60, 5, 32, i * 3, uint32(at / 1e9), 7 + i} {
			b = be.AppendUint32(b, n)
		}
		b = append(b, "frame\x00\x00\x00"...)
	}
	return b
}

func smallNetmon(minor byte) []byte {
	le := binary.LittleEndian
	h := make([]byte, netmonHeader)
	copy(h, netmon2Magic)
	h[4], h[5] = minor, 2
	for i, n := range []uint16{1, 2026, 11, 6, 21, 7, 42, 39, 500} {
		le.PutUint16(h[6+2*i:], n)
	}
	b := slices.Clone(h)
	for i := range uint64(2) {
		b = le.AppendUint64(b, i*1e6)
		b = le.AppendUint32(b, 60)
		b = le.AppendUint32(b, 5)
		b = append(b, "frame"...)
		if minor >= 1 {
			b = le.AppendUint16(b, 0xe000|uint16(LinkRaw))
		}
	}
	le.PutUint32(b[24:], uint32(len(b)))
	le.PutUint32(b[28:], 8)
	return append(b, make([]byte, 8)...)
}

func smallERF() []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	var b []byte
	for i := range uint64(2) {
		b = le.AppendUint64(b, uint64(at/1e9)<<32|i<<31)
		b = append(b, 2|erfMore, 4)
		b = be.AppendUint16(b, 16+8+2+5+3)
		b = be.AppendUint16(b, uint16(i))
		b = be.AppendUint16(b, 64)
		b = append(b, make([]byte, 8+2)...)
		b = append(b, "frame..."...)
	}
	return b
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		name, format string
		content      []byte
		data         string
		link         LinkType
		wire         int
		step         int64 // between the frames
		drops        uint64
	}{
		{"snoop", "snoop", smallSnoop(), "frame", LinkEthernet, 60, 1e3, 3},
		{"Network Monitor 2.0", "netmon2", smallNetmon(0), "frame", LinkEthernet, 60, 1e9, 0},
		{"Network Monitor 2.1", "netmon2", smallNetmon(1), "frame", LinkRaw, 60, 1e9, 0},
		{"ERF", "erf", smallERF(), "frame...", LinkEthernet, 64, 5e8, 1},
	} {
		frames, info, err := read(c.content, Options{})
		if err != nil || len(frames) != 2 || info.Format != c.format || info.Drops != c.drops {
			t.Errorf("%s: %v, %d frames, %+v", c.name, err, len(frames), info)
			continue
		}
		for _, fr := range frames {
			if string(fr.Data) != c.data || fr.Link != c.link || fr.Len != c.wire {
				t.Errorf("%s: %+v", c.name, fr)
			}
		}
		if d := frames[1].At - frames[0].At; d != c.step {
			t.Errorf("%s: %d ns between frames, want %d", c.name, d, c.step)
		}
		for n := range c.content {
			read(c.content[:n], Options{}) // cut anywhere, it ends
		}
	}
}

// A pipe has no second record yet to tell a patched format by: the usual one is taken.
func TestVariant_firstRecordAlone(t *testing.T) {
	w := newPcapWriter(pcapHeader{order: littleEndian, magic: magicMicro, major: 2, minor: 4, snap: 96})
	w.record(at, []byte("frame"), 99)
	frames, _, err := read(w.Bytes(), Options{})
	if err != nil || len(frames) != 1 || string(frames[0].Data) != "frame" {
		t.Errorf("%v, %+v", err, frames)
	}
}

// A file of one record has no second one either, but it ends.
func TestVariant_onlyRecord(t *testing.T) {
	const sec = uint32(at / 1e9)
	for _, order := range []byteOrder{littleEndian, bigEndian} {
		for _, c := range []struct {
			name  string
			magic uint32
			more  int      // bytes between header and data
			after []uint32 // what follows the record
		}{
			{name: "usual", magic: magicMicro},
			{name: "Nokia", magic: magicMicro, more: pcapNokiaHeader - pcapRecordHeader},
			{name: "Red Hat", magic: magicMicro, more: pcapModifiedHeader - pcapRecordHeader},
			{name: "SuSE", magic: magicModified, more: pcapSuSEHeader - pcapModifiedHeader},
			{name: "cut after the seconds", magic: magicMicro, after: []uint32{sec}},
			{name: "cut after the fraction", magic: magicMicro, after: []uint32{sec, 7}},
		} {
			w := newPcapWriter(pcapHeader{order: order, magic: c.magic, major: 2, minor: 4, snap: 96})
			w.raw(sec, 0, 5, 99, nil)
			w.Write(append(make([]byte, c.more), "frame"...))
			w.u32(c.after...)
			frames, _, err := readAtOnce(t, w.Bytes())
			if len(frames) != 1 || frames[0].Data != "frame" || (err != nil) != (c.after != nil) {
				t.Errorf("%s: %v, %+v", c.name, err, frames)
			}
		}
	}
}

// readAtOnce is readFile of content.
func readAtOnce(t *testing.T, content []byte) ([]got, Info, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return readFile(name)
}

func FuzzFormats(f *testing.F) {
	f.Add(smallSnoop())
	for minor := range byte(4) {
		f.Add(smallNetmon(minor))
	}
	f.Add(smallERF())
	f.Add([]byte("08:53:26.560686 IP 10.77.1.1.44666 > 10.77.1.2.5000: Flags [S], seq 1768651650, win 7300, length 0\n"))
	f.Fuzz(checkAnything)
}
