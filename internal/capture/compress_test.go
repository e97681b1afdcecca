package capture

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// compressors write what the reader must undo, by the name that Info gives.
var compressors = map[string]func([]byte) []byte{
	"gzip": gzipped,
	"zstd": func(b []byte) []byte {
		return compressed(b, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
	},
	"lz4": func(b []byte) []byte {
		return compressed(b, func(w io.Writer) (io.WriteCloser, error) {
			z := lz4.NewWriter(w)
			return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
		})
	},
	"xz": func(b []byte) []byte {
		return compressed(b, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
	},
}

func compressed(b []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	var z bytes.Buffer
	w, err := open(&z)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return z.Bytes()
}

// smallPcap holds a few frames that compress to something.
func smallPcap() []byte {
	w := newPcapWriter(pcapHeader{})
	for i := range int64(5) {
		w.record(at+i*1e6, bytes.Repeat([]byte{byte(i)}, 40), 60)
	}
	return w.Bytes()
}

func smallPcapng() []byte {
	w := newPcapngWriter(bigEndian)
	w.section()
	w.iface(LinkEthernet, opt{optResolution, []byte{9}})
	for i := range 5 {
		w.packet(0, uint64(at)+uint64(i), bytes.Repeat([]byte{byte(i)}, 41), 60, w.u64opt(optDropCount, 1))
	}
	w.block(77, func(b *put) { b.u32(1, 2, 3) })
	w.statistics(0, w.u64opt(optReceived, 5), w.stampopt(optEndTime, uint64(at)+1e9))
	return w.Bytes()
}

func TestCompression(t *testing.T) {
	want, _ := readWell(t, smallPcap())
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			frames, info := readWell(t, compress(smallPcap()))
			wantFrames(t, frames, want...)
			if info.Compression != name || info.Format != "pcap" {
				t.Errorf("info is %+v", info)
			}
		})
	}
}

// pzstd and lz4 tools may put a skippable frame first.
func TestCompression_skippableFrame(t *testing.T) {
	want, _ := readWell(t, smallPcap())
	for _, name := range []string{"zstd", "lz4"} {
		skippable := []byte{0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
		frames, info := readWell(t, slices.Concat(skippable, compressors[name](smallPcap())))
		wantFrames(t, frames, want...)
		if info.Compression != name {
			t.Errorf("%s was recognised as %s", name, info.Compression)
		}
	}
}

func TestCompression_severalStreams(t *testing.T) {
	content := smallPcap()
	want, _ := readWell(t, content)
	for name, compress := range compressors {
		frames, _, err := read(slices.Concat(compress(content[:99]), compress(content[99:])), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantFrames(t, frames, want...)
	}
}

// Wherever a file is cut, the frames before the cut are read, and the cut is
// reported.
func TestCutAnywhere(t *testing.T) {
	contents := map[string][]byte{"pcap": smallPcap(), "pcapng": smallPcapng()}
	for name, compress := range compressors {
		contents[name] = compress(smallPcap())
	}
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			want, _ := readWell(t, content)
			for n := range len(content) {
				frames, _, err := read(content[:n], Options{})
				if len(frames) > len(want) || !slices.Equal(frames, want[:len(frames)]) {
					t.Fatalf("cut at %d: read %+v", n, frames)
				}
				if len(frames) == len(want) {
					continue // what is missing may be of no consequence
				}
				var d *Damage
				switch isDamage := errors.As(err, &d); {
				case isDamage && d.Compression != "" && d.Err == nil:
					t.Errorf("cut at %d: the same as a file cut before compression: %v", n, err)
				case isDamage && (!d.Cut || d.Frame != uint32(len(frames)) || d.File != "-"):
					t.Errorf("cut at %d after %d frames: %+v", n, len(frames), d)
				case !isDamage && n >= 6 && !atRecord(name, n):
					t.Errorf("cut at %d after %d frames: %v", n, len(frames), err)
				}
			}
		})
	}
}

// atRecord reports whether a record of a small file begins at n, where an
// uncompressed file may well end.
func atRecord(name string, n int) bool {
	switch name {
	case "pcap":
		return n >= 24 && (n-24)%56 == 0
	case "pcapng":
		const section, iface, packet = 28, 20 + 12, 32 + 44 + 16
		return n == section || n >= section+iface && (n-section-iface)%packet == 0
	}
	return false
}

func TestBitFlipsAreToldOrHarmless(t *testing.T) {
	for name, compress := range compressors {
		content := compress(smallPcap())
		for n := range content {
			broken := slices.Clone(content)
			broken[n] ^= 0x10
			frames, _, _ := read(broken, Options{})
			if len(frames) > 50 {
				t.Errorf("%s, byte %d: %d frames out of nothing", name, n, len(frames))
			}
		}
	}
}

// zeros is an endless stream that decompression bombs are made of.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.n += int64(len(p))
	return len(p), nil
}

func TestExpanderStopsBombs(t *testing.T) {
	in := int64(100)
	source := &zeros{}
	e := &expander{r: source, in: &in, free: 1 << 20, ratio: 100_000}
	_, err := io.Copy(io.Discard, e)
	if !errors.Is(err, errBomb) || source.n < 10_000_000 || source.n > 11_000_000 {
		t.Errorf("%v after %d bytes", err, source.n)
	}
}

func TestZstd_hugeHistoryIsRefused(t *testing.T) {
	for exponent, refused := range map[byte]bool{17: false, 18: true, 31: true} { // 2^(10+17) is 128 MiB
		_, _, err := read([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1, 0, 0}, Options{})
		if err == nil || strings.Contains(err.Error(), "needs a history") != refused {
			t.Errorf("history 2^(10+%d): %v", exponent, err)
		}
	}
}

func TestXZ_hugeHistoryIsRefused(t *testing.T) {
	content := compressors["xz"](smallPcap())
	for _, tt := range []struct {
		exponent byte // 22 is what the writer wrote
		refused  bool
	}{{30, false}, {31, true}, {40, true}, {255, true}} {
		content := slices.Clone(content)
		content[12+4] = tt.exponent
		_, _, err := read(content, Options{})
		if err == nil || strings.Contains(err.Error(), "needs a history") != tt.refused {
			t.Errorf("history %d: %v", tt.exponent, err)
		}
	}
}
