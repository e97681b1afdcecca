package capture

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxWindow is the largest history that a compressed file may ask for, in
// bytes: as much as zstd --long needs, and twice what xz -9 does.
const maxWindow = 128 << 20

// A decompressor undoes one kind of compression.
type decompressor struct {
	name    string
	magic   []byte
	open    func(*bufio.Reader) (io.Reader, error)
	history func(*bufio.Reader) uint64 // bytes of history that it needs; nil if always few
}

var decompressors = []decompressor{
	{"gzip", []byte{0x1f, 0x8b, 8}, func(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }, nil},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd, zstdHistory},
	{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}, openLZ4, nil},
	{"lz4", []byte{0x02, 0x21, 0x4c, 0x18}, openLZ4, nil}, // the Linux kernel's legacy frame
	{"xz", []byte{0xfd, '7', 'z', 'X', 'Z', 0}, openXZ, xzHistory},
}

// decompress returns the input's bytes before compression, if it has any.
func (in *Input) decompress(opts *Options) (io.Reader, error) {
	r := in.raw.r
	d := findDecompressor(r)
	if d == nil {
		return r, nil
	}
	in.Compression = d.name
	if d.history != nil && d.history(r) > maxWindow {
		return nil, fmt.Errorf("needs a history of %d MiB to decompress, of %d allowed", d.history(r)>>20, maxWindow>>20)
	}
	plain, err := d.open(r)
	if err != nil {
		return nil, new(Damage).because(err)
	}
	return &expander{r: plain, in: &in.raw.read, free: expandFreely, ratio: cmp.Or(opts.MaxExpand, expandRatio)}, nil
}

// findDecompressor recognises compressed content. It returns nil for any other.
func findDecompressor(r *bufio.Reader) *decompressor {
	head, _ := r.Peek(afterSkippable(r) + 6)
	head = head[min(afterSkippable(r), len(head)):]
	for i := range decompressors {
		if bytes.HasPrefix(head, decompressors[i].magic) {
			return &decompressors[i]
		}
	}
	return nil
}

// afterSkippable is the offset of the first frame after a skippable one. zstd and
// lz4 files may begin with those (RFC 8878 3.1.2), and pzstd writes them.
func afterSkippable(r *bufio.Reader) int {
	b, err := r.Peek(8)
	if err != nil || binary.LittleEndian.Uint32(b)&^0xf != 0x184d2a50 {
		return 0
	}
	return 8 + int(min(binary.LittleEndian.Uint32(b[4:]), uint32(r.Size())))
}

func openZstd(r *bufio.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
}

// zstdHistory is what the first frame needs. The library refuses later ones that
// need too much.
func zstdHistory(r *bufio.Reader) uint64 {
	var h zstd.Header
	if b, _ := r.Peek(zstd.HeaderMaxSize); h.Decode(b) != nil {
		return 0
	}
	return h.WindowSize
}

func openLZ4(r *bufio.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }

var errBomb = errors.New("decompresses to far more than any capture would")

// An expander limits a decompressor. Once it has produced more than a GiB, more
// than ratio bytes for each compressed byte are refused. The highest ratio of a
// real capture, zeros in 64 KiB frames, is below 5,000.
type expander struct {
	r     io.Reader
	in    *int64 // compressed bytes so far
	out   int64
	free  int64 // bytes before ratio counts
	ratio int64
}

const (
	expandFreely = 1 << 30
	expandRatio  = 10_000
)

func (e *expander) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.out += int64(n)
	if e.out > e.free && e.out/e.ratio > *e.in {
		return n, errBomb
	}
	return n, err
}
