package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// xzHistoryOf sets the history that the block of an xz file asks for, to 2^(12+exponent/2).
func xzHistoryOf(packed []byte, exponent byte) []byte {
	const header = 12 // of the stream: the block's begins with its size
	b := bytes.Clone(packed)
	b[header+4] = exponent
	end := header + (int(b[header])+1)*4 - 4
	binary.LittleEndian.PutUint32(b[end:], crc32.ChecksumIEEE(b[header:end]))
	return b
}

const greatest = 30 // exponent of maxWindow

// overlapping are files whose times overlap from the first frame to the last.
func overlapping(t *testing.T, n int, compress func([]byte) []byte) (names []string) {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		w := newPcapWriter(pcapHeader{})
		for j := range 5 {
			w.record(at+int64(j*n+i)*1e6, bytes.Repeat([]byte{byte(i), byte(j)}, 20), 60)
		}
		names = append(names, filepath.Join(dir, fmt.Sprintf("%02d", i)))
		if err := os.WriteFile(names[i], compress(w.Bytes()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// wantInterleaved fails unless the trace has all frames of overlapping files.
func wantInterleaved(t *testing.T, trace *Trace, files int) {
	t.Helper()
	var fr Frame
	n := 0
	for ; trace.Next(&fr) == nil; n++ {
		if int(fr.Data[0]) != n%files || int(fr.Data[1]) != n/files || int(fr.Num) != n/files+1 {
			t.Fatalf("frame %d is %x", n, fr.Data)
		}
	}
	if n != 5*files {
		t.Errorf("%d frames, want %d", n, 5*files)
	}
}

// emptyTemp makes temporary files in a directory of the test, and returns how many are in it.
func emptyTemp(t *testing.T) func() int {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} { // the latter on Windows
		t.Setenv(name, dir)
	}
	return func() int {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
}

// However many compressed files are open at a time, their decompressors share one
// amount of memory.
func TestTrace_memoryOfManyDecompressors(t *testing.T) {
	left := emptyTemp(t)
	const files = 8
	names := overlapping(t, files, func(b []byte) []byte { return xzHistoryOf(compressors["xz"](b), greatest) })
	trace, errs := OpenTrace(names, Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	var fr Frame
	for range files { // all are open
		if err := trace.Next(&fr); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if most := uint64(decoderMemory + 64<<20); m.HeapAlloc > most {
		t.Errorf("%d MiB are in use, want %d at most", m.HeapAlloc>>20, most>>20)
	}
	if runtime.GOOS != "windows" && left() > 0 {
		t.Error("the temporary file has a name")
	}
	if err := trace.Close(); err != nil || left() > 0 {
		t.Errorf("closed: %v, and %d temporary files are left", err, left())
	}
}

// What is decompressed to disk is read as if it had not been.
func TestTrace_decompressedToDisk(t *testing.T) {
	for name, compress := range compressors {
		names := overlapping(t, 3, compress)
		trace, errs := OpenTrace(names, Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		trace.opts.decoders.free = 0
		wantInterleaved(t, trace, 3)
		if len(trace.opts.Scratch.parts) != 3 {
			t.Errorf("%s: %d files are on disk", name, len(trace.opts.Scratch.parts))
		}
		if read, total := trace.Progress(); read != total {
			t.Errorf("%s: %d of %d bytes are read at the end", name, read, total)
		}
		trace.Close()
		if trace.opts.decoders.free != 0 {
			t.Errorf("%s: %d bytes of memory were returned that nobody took", name, trace.opts.decoders.free)
		}
	}
}

// A second reading uses what the first has decompressed.
func TestScratch_isUsedAgain(t *testing.T) {
	names := overlapping(t, 3, compressors["xz"])
	var scratch Scratch
	defer scratch.Close()
	for range 2 {
		trace, _ := OpenTrace(names, Options{Scratch: &scratch})
		trace.opts.decoders.free = 0
		wantInterleaved(t, trace, 3)
		trace.Close()
	}
	if plain := int64(3 * (24 + 5*(16+40))); scratch.size != plain {
		t.Errorf("%d bytes are on disk, want %d", scratch.size, plain)
	}
}

// A later part of a file may need more history than the first, which was all that was
// known when the file was opened.
func TestTrace_laterPartNeedsMore(t *testing.T) {
	parts := func(compress, greedy func([]byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte { return slices.Concat(compress(b[:100]), greedy(b[100:])) }
	}
	for name, compress := range map[string]func([]byte) []byte{
		"xz": parts(compressors["xz"], func(b []byte) []byte { return xzHistoryOf(compressors["xz"](b), greatest) }),
		"zstd": parts(compressors["zstd"], func(b []byte) []byte {
			packed := compressed(b, func(w io.Writer) (io.WriteCloser, error) {
				return zstd.NewWriter(w, zstd.WithSingleSegment(false), zstd.WithWindowSize(32<<20))
			})
			const descriptor = 5 // the window's, after the magic number and the descriptor of the header
			packed[4], packed[descriptor] = packed[4]&^0x20, 15<<3
			return packed
		}),
	} {
		t.Run(name, func(t *testing.T) {
			trace, errs := OpenTrace(overlapping(t, 3, compress), Options{})
			if errs != nil {
				t.Fatal(errs)
			}
			defer trace.Close()
			wantInterleaved(t, trace, 3)
			if len(trace.opts.Scratch.parts) != 3 {
				t.Errorf("%d files are on disk", len(trace.opts.Scratch.parts))
			}
			for _, info := range trace.Infos() {
				if info.Err != nil {
					t.Error(info.Err)
				}
			}
		})
	}
}

// Damage of a file that is decompressed to disk is reported at its place.
func TestTrace_damageOnDisk(t *testing.T) {
	names := overlapping(t, 2, func(b []byte) []byte {
		packed := compressors["gzip"](b)
		return packed[:len(packed)-20]
	})
	var want []string
	for _, free := range []uint64{decoderMemory, 0} {
		trace, errs := OpenTrace(names, Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		trace.opts.decoders.free = free
		var fr Frame
		for trace.Next(&fr) == nil {
		}
		for _, info := range trace.Infos() {
			if info.Err == nil {
				t.Fatal("the files are not damaged")
			}
			if free > 0 {
				want = append(want, info.Err.Error())
			} else if !slices.Contains(want, info.Err.Error()) {
				t.Errorf("on disk: %v, in memory: %v", info.Err, want)
			}
		}
		trace.Close()
	}
}

// Without room on disk, a file is left out with an error, and the others are read.
func TestTrace_noRoomOnDisk(t *testing.T) {
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, filepath.Join(t.TempDir(), "missing"))
	}
	trace, errs := OpenTrace(overlapping(t, 3, compressors["xz"]), Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	trace.opts.decoders.free = 16 << 20 // for two
	var fr Frame
	frames := 0
	for trace.Next(&fr) == nil {
		frames++
	}
	if frames != 10 {
		t.Errorf("%d frames of the other files", frames)
	}
	if err := trace.Infos()[2].Err; err == nil || !strings.Contains(err.Error(), "there is no room") {
		t.Errorf("the third is left out for %v", err)
	}
}
