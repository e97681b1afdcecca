package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"unicode/utf16"
)

// A got is a frame that outlives its file.
type got struct {
	At      int64
	Num     uint32
	Link    LinkType
	Len     int
	Data    string
	Stepped bool
}

func keep(fr *Frame) got {
	return got{fr.At, fr.Num, fr.Link, fr.Len, string(fr.Data), fr.Stepped}
}

// openBytes opens content with a block so small that it is refilled and grown.
func openBytes(content []byte, opts Options) (*File, error) {
	opts.Stdin = bytes.NewReader(content)
	return open("-", &opts, 64)
}

// read reads content to its end. The error is nil at an orderly end.
func read(content []byte, opts Options) (frames []got, info Info, err error) {
	f, err := openBytes(content, opts)
	if err != nil {
		return nil, Info{}, err
	}
	frames, info, err = readOne(f)
	var fr Frame
	if again := f.Next(&fr); again != err {
		return nil, Info{}, fmt.Errorf("the error is not sticky: %v, then %v", err, again)
	}
	if f.Close() != nil {
		return nil, Info{}, errors.New("cannot close")
	}
	if differ := readTogether(content, opts); differ != nil {
		return nil, Info{}, differ
	}
	if err == io.EOF {
		err = nil
	}
	return frames, info, err
}

// readOne reads a file to its end, frame by frame.
func readOne(f *File) (frames []got, info Info, err error) {
	var fr Frame
	for err = f.Next(&fr); err == nil; err = f.Next(&fr) {
		frames = append(frames, keep(&fr))
	}
	return frames, f.Info(), err
}

// readTogether compares content that is read frame by frame, and as many frames at a time
// as are plain.
func readTogether(content []byte, opts Options) error {
	var files [2]*File
	for i := range files {
		opts.Stdin = bytes.NewReader(content)
		f, err := open("-", &opts, 4096)
		if err != nil {
			return nil // openBytes says so as well
		}
		defer f.Close()
		files[i] = f
	}
	want, wantInfo, wantErr := readOne(files[0])
	var (
		frames []got
		frs    [3]Frame
		err    error
	)
	for f := files[1]; err == nil; {
		n := f.plain(frs[:])
		if n == 0 {
			if err = f.Next(&frs[0]); err == nil {
				n = 1
			}
		}
		for i := range n {
			frs[i].File, frs[i].Stepped = frs[0].File, frs[0].Stepped && i == 0
			frames = append(frames, keep(&frs[i]))
		}
	}
	if info := files[1].Info(); !slices.Equal(frames, want) || fmt.Sprint(info, err) != fmt.Sprint(wantInfo, wantErr) {
		return fmt.Errorf("together:\n%+v\n%+v %v\none by one:\n%+v\n%+v %v", frames, info, err, want, wantInfo, wantErr)
	}
	return nil
}

// readWell is read of content that has nothing wrong with it.
func readWell(t *testing.T, content []byte) ([]got, Info) {
	t.Helper()
	frames, info, err := read(content, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return frames, info
}

// at is a time that has every digit, in nanoseconds since 1970.
const at = int64(1_700_000_000_123_456_789)

func wantFrames(t *testing.T, frames []got, want ...got) {
	t.Helper()
	if !slices.Equal(frames, want) {
		t.Errorf("read\n%+v, want\n%+v", frames, want)
	}
}

func TestPcap_everyMagicAndOrder(t *testing.T) {
	for _, order := range []byteOrder{littleEndian, bigEndian} {
		for magic, precision := range map[uint32]int64{magicMicro: 1000, magicNano: 1, magicModified: 1000} {
			t.Run(fmt.Sprintf("%x/big=%v", magic, order), func(t *testing.T) {
				w := newPcapWriter(pcapHeader{order: order, magic: magic})
				w.record(at, []byte("one"), 3)
				w.record(at+1_000_000, []byte("two"), 1500)
				frames, info := readWell(t, w.Bytes())
				first := at / precision * precision
				wantFrames(t, frames,
					got{At: first, Num: 1, Link: LinkEthernet, Len: 3, Data: "one"},
					got{At: first + 1_000_000, Num: 2, Link: LinkEthernet, Len: 1500, Data: "two"})
				if info.Format != "pcap" || info.Packets != 2 || info.Bytes != 6 || info.First != first ||
					info.Last != first+1_000_000 || !slices.Equal(info.LinkTypes, []uint32{uint32(LinkEthernet)}) {
					t.Errorf("info is %+v", info)
				}
			})
		}
	}
}

func TestPcap_linkTypeLeavesOutFCSBits(t *testing.T) {
	w := newPcapWriter(pcapHeader{link: 0x24000000 | uint32(LinkSLL2)}) // 2 x 16 bits of FCS, present
	w.record(at, []byte("x"), 1)
	frames, _ := readWell(t, w.Bytes())
	if frames[0].Link != LinkSLL2 {
		t.Errorf("link type %v", frames[0].Link)
	}
}

func TestPcap_frameBeyondTheBlock(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 3*blockSize/16) // BIG TCP is 512 KiB and headers
	w := newPcapWriter(pcapHeader{})
	w.record(at, []byte("before"), 6)
	w.record(at, big, len(big))
	w.record(at, []byte("after"), 5)
	frames, _ := readWell(t, w.Bytes())
	if len(frames) != 3 || frames[1].Data != string(big) || frames[2].Data != "after" {
		t.Errorf("read %d frames", len(frames))
	}
}

func TestPcapng_sectionsAndInterfaces(t *testing.T) {
	little, big := newPcapngWriter(littleEndian), newPcapngWriter(bigEndian)
	for _, w := range []*pcapngWriter{little, big} {
		w.section()
		w.iface(LinkEthernet, opt{optName, []byte("en0\x00")})
		w.iface(LinkRaw, opt{optName, []byte("lo")}, opt{optResolution, []byte{9}}, w.u64opt(optOffset, 1_600_000_000))
		w.block(0x0bad, func(b *put) { b.Write(make([]byte, 3*blockSize)) }) // unknown and larger than the block
		w.packet(0, uint64(at/1000), []byte("micro"), 5)
		w.packet(1, uint64(at-1_600_000_000e9), []byte("nano"), 5)
		w.obsolete(1, 0, uint64(at-1_600_000_000e9+1), []byte("old"), 3)
		w.block(blockJournal, func(b *put) { b.Write([]byte("MESSAGE=x\n")) })
		w.packet(0, uint64(at/1000), []byte("last"), 4)
	}
	micro := at / 1000 * 1000
	var want []got
	for i := range uint32(2) {
		n := 5 * i
		want = append(want,
			got{At: micro, Num: n + 1, Link: LinkEthernet, Len: 5, Data: "micro"},
			got{At: at, Num: n + 2, Link: LinkRaw, Len: 5, Data: "nano"},
			got{At: at + 1, Num: n + 3, Link: LinkRaw, Len: 3, Data: "old"},
			got{At: micro, Num: n + 5, Link: LinkEthernet, Len: 4, Data: "last"})
	}
	frames, info := readWell(t, slices.Concat(little.Bytes(), big.Bytes()))
	wantFrames(t, frames, want...)
	if info.Format != "pcapng" || info.Packets != 8 || !slices.Equal(info.LinkTypes, []uint32{uint32(LinkEthernet), uint32(LinkRaw)}) {
		t.Errorf("info is %+v", info)
	}
	if want := []string{"en0", "lo", "en0", "lo"}; !slices.Equal(info.Interfaces, want) {
		t.Errorf("interfaces are %q, want %q", info.Interfaces, want)
	}
}

func TestPcapng_obsoletePacketOfUnknownDrops(t *testing.T) {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	w.obsolete(0, dropsUnknown, 1, []byte("x"), 1)
	w.obsolete(0, 2, 2, []byte("x"), 1)
	if _, info := readWell(t, w.Bytes()); info.Drops != 2 {
		t.Errorf("%d drops, want 2", info.Drops)
	}
}

func TestPcapng_dropsToldTwiceCountOnce(t *testing.T) {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	w.packet(0, 1, []byte("x"), 1, w.u64opt(optDropCount, 3))
	w.statistics(0, w.u64opt(optIfDrop, 2), w.u64opt(optOSDrop, 2))
	w.statistics(0, w.u64opt(optIfDrop, 2), w.u64opt(optOSDrop, 5))
	w.packet(0, 2, []byte("x"), 1, w.u64opt(optDropCount, 1))
	if _, info := readWell(t, w.Bytes()); info.Drops != 7 {
		t.Errorf("%d drops, want the 7 of the last statistics", info.Drops)
	}
}

// A file may claim more losses than a number holds.
func TestPcapng_dropsSaturate(t *testing.T) {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	w.packet(0, 1, []byte("x"), 1, w.u64opt(optDropCount, math.MaxUint64-1))
	w.packet(0, 2, []byte("x"), 1, w.u64opt(optDropCount, 3))
	w.iface(LinkEthernet)
	w.statistics(1, w.u64opt(optIfDrop, math.MaxUint64), w.u64opt(optOSDrop, 2))
	if _, info := readWell(t, w.Bytes()); info.Drops != math.MaxUint64 {
		t.Errorf("%d drops", info.Drops)
	}
}

// A stated end counts only where the file holds all that was received.
func TestPcapng_statedEnd(t *testing.T) {
	const end = 5_000_000 // microseconds
	stats := func(w *pcapngWriter, id uint32, received uint64) {
		w.statistics(id, w.u64opt(optReceived, received), w.stampopt(optEndTime, end))
	}
	tests := []struct {
		name string
		body func(*pcapngWriter)
		want int64
	}{
		{"all packets", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			stats(w, 0, 1)
		}, end * 1000},
		{"statistics first", func(w *pcapngWriter) {
			stats(w, 0, 2)
			w.packet(0, 1, []byte("x"), 1)
			w.packet(0, 2, []byte("x"), 1)
		}, end * 1000},
		{"statistics between", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			stats(w, 0, 1)
			w.packet(0, 2, []byte("x"), 1)
		}, end * 1000},
		{"a selection", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			stats(w, 0, 1000)
		}, 0},
		{"a selection, by the other interface", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			stats(w, 0, 1)
			stats(w, 1, 7)
		}, 0},
		{"received not stated", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			w.statistics(0, w.stampopt(optEndTime, end))
		}, 0},
		{"two sections", func(w *pcapngWriter) {
			w.packet(0, 1, []byte("x"), 1)
			stats(w, 0, 1)
			w.section()
			w.iface(LinkEthernet)
			w.packet(0, 1, []byte("x"), 1)
			w.packet(0, 2, []byte("x"), 1)
		}, end * 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newPcapngWriter(bigEndian)
			w.section()
			w.iface(LinkEthernet)
			w.iface(LinkEthernet)
			tt.body(w)
			if _, info := readWell(t, w.Bytes()); info.End != tt.want {
				t.Errorf("end %d, want %d", info.End, tt.want)
			}
		})
	}
}

// As dumpcap writes it: packets in nanoseconds, the end in microseconds.
func TestPcapng_statedEndInMicroseconds(t *testing.T) {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet, opt{optResolution, []byte{9}})
	w.packet(0, uint64(at), []byte("x"), 1)
	w.statistics(0, w.u64opt(optReceived, 1), w.stampopt(optEndTime, uint64(at/1000+4_000_000)))
	if _, info := readWell(t, w.Bytes()); info.End != at/1000*1000+4*sec {
		t.Errorf("end %d, want 4 s after %d", info.End, at)
	}
}

// Nanoseconds of an interface that states no unit, or microseconds; not a single wrong time among others.
func TestPcapng_nanosecondsSaidToBeMicroseconds(t *testing.T) {
	for _, opts := range [][]opt{nil, {{optResolution, []byte{6}}}} {
		w := newPcapngWriter(littleEndian)
		w.section()
		w.iface(LinkEthernet, opts...)
		w.packet(0, uint64(at), []byte("x"), 1)
		w.packet(0, uint64(at+1), []byte("x"), 1)
		frames, info := readWell(t, w.Bytes())
		if frames[0].At != at || frames[1].At != at+1 || len(info.Warnings) != 1 {
			t.Errorf("frames at %d and %d, want %d and a nanosecond later; warnings %q", frames[0].At, frames[1].At, at, info.Warnings)
		}
	}
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	w.packet(0, uint64(at/1000), []byte("x"), 1)
	w.packet(0, uint64(at), []byte("x"), 1)
	if frames, _ := readWell(t, w.Bytes()); frames[0].At != at/1000*1000 || frames[1].At != maxTime {
		t.Errorf("frames at %d and %d, want microseconds and the last time there is", frames[0].At, frames[1].At)
	}
}

func TestResolution(t *testing.T) {
	tests := []struct {
		name    string
		tsresol uint8
		offset  int64
		stamp   uint64
		want    int64
	}{
		{"10^-6", 6, 0, 1_500_000, 1_500_000_000},
		{"10^-9", 9, 0, uint64(at), at},
		{"10^-12", 12, 0, 1_500_000_000_000, 1_500_000_000},
		{"10^-3", 3, 0, 1_500, 1_500_000_000},
		{"10^0", 0, 0, 1_700_000_000, 1_700_000_000e9},
		{"10^-28", 28, 0, 1 << 63, 0},
		{"10^-10, beyond 63 bits", 10, 0, 17_000_000_000_000_000_000, 1_700_000_000e9},
		{"10^-127", 127, 0, 1 << 63, 0},
		{"2^-20", 0x80 | 20, 0, 1<<20 + 1<<19, 1_500_000_000},
		{"2^-30", 0x80 | 30, 0, 1<<30 + 1<<29, 1_500_000_000},
		{"2^-32, today", 0x80 | 32, 0, 1_700_000_000<<32 + 1<<31, 1_700_000_000_500_000_000},
		{"2^0", 0x80, 0, 3, 3_000_000_000},
		{"2^-63", 0x80 | 63, 0, 3 << 62, 1_500_000_000},
		{"2^-64", 0x80 | 64, 0, 1 << 63, 500_000_000},
		{"2^-127", 0xff, 0, 1<<64 - 1, 0},
		{"offset", 6, -5, 7_000_000, 2_000_000_000},
		{"before 1970", 6, -9, 7_000_000, 0},
		{"absurd", 6, 0, 1<<64 - 1, maxTime},
		{"absurd seconds", 0, 0, 1<<64 - 1, maxTime},
		{"seconds that overflow to nothing", 0, 0, 1 << 63, maxTime},
		{"absurd offset", 6, -1 << 63, 7, 0},
		{"absurd both", 6, 1<<63 - 1, 1<<64 - 1, maxTime},
	}
	for _, tt := range tests {
		r := newResolution(tt.tsresol)
		r.setOffset(tt.offset)
		if got := r.time(tt.stamp); got != tt.want {
			t.Errorf("%s: %d is at %d, want %d", tt.name, tt.stamp, got, tt.want)
		}
	}
}

func TestScenarioText(t *testing.T) {
	ng := newPcapngWriter(littleEndian)
	ng.section()
	ng.iface(LinkRaw)
	ng.packet(0, 7, []byte("x"), 1)
	text := "0.000 client > server S 0:0(0) win 64240 é"
	opts := Options{Text: func(b []byte) ([]byte, error) {
		if string(b) != text {
			return nil, fmt.Errorf("line 1: %q", b)
		}
		return ng.Bytes(), nil
	}}
	frames, info, err := read([]byte(text), opts)
	if err != nil || len(frames) != 1 || info.Format != "scenario" {
		t.Errorf("%v, %d frames, %+v", err, len(frames), info)
	}
	for content, want := range map[string]string{
		"0.000 a > b S\n":             `-: line 1: "0.000 a > b S\n"`,
		"{}":                          "-: " + errNoPackets.Error(),
		"Hello,\nit does not work.\n": "-: " + errNoPackets.Error(),
		"MZ\x00\x01":                  "-: is neither a capture nor text: it begins with 4d 5a 00 01",
		"\xff\xfe":                    "-: is neither a capture nor text: it begins with ff fe",
		"PK\x03\x04":                  "-: is neither a capture nor text: this is a zip archive; unpack it",
		"":                            "-: is empty",
		text + "more than 24\x00":     "-: is neither a capture nor text: it begins with 30 2e 30 30 30 20 63 6c",
		"some text of 24 bytes: \xc3": `-: is neither a capture nor text: it begins with 73 6f 6d 65 20 74 65 78`,
	} {
		if _, _, err := read([]byte(content), opts); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	pasted := "caf\xe9:\n08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0\n"
	little, big := []byte("\xff\xfe"), []byte("\xfe\xff")
	for _, unit := range utf16.Encode([]rune(" 😀" + pasted[5:])) {
		little, big = append(little, byte(unit), byte(unit>>8)), append(big, byte(unit>>8), byte(unit))
	}
	for name, content := range map[string][]byte{"Latin-1": []byte(pasted), "little endian": little, "big endian": big} {
		if frames, info, err := read(content, opts); err != nil || len(frames) != 1 || info.Format != "tcpdump" {
			t.Errorf("%s: %v, %d frames, %+v", name, err, len(frames), info)
		}
	}
	if _, _, err := read([]byte(text), Options{}); err == nil {
		t.Error("text was read without Options.Text")
	}
}

func TestLinkTypeString(t *testing.T) {
	for l, want := range map[LinkType]string{LinkEthernet: "ETHERNET", LinkSLL2: "LINUX_SLL2", 999: "LINKTYPE_999"} {
		if l.String() != want {
			t.Errorf("%d is %s, want %s", uint32(l), l, want)
		}
	}
}

// Inputs may lie elsewhere than in files of this machine.
func TestOpen_elsewhere(t *testing.T) {
	sample, err := os.ReadFile("../../samples/unretransmitted-fin.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{Open: func(name string) (io.ReadCloser, error) {
		if name != "bucket/x.pcapng" {
			return nil, os.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(sample)), nil
	}}
	trace, errs := OpenTrace([]string{"bucket/x.pcapng", "bucket/none"}, opts)
	defer trace.Close()
	var fr Frame
	n := 0
	for trace.Next(&fr) == nil {
		n++
	}
	if len(errs) != 1 || n == 0 {
		t.Errorf("%d frames, and the errors %v; want one, of the file that is not there", n, errs)
	}
}
