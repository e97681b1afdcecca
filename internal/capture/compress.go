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
	name  string
	magic []byte
	// open begins, and allows a history of so many bytes.
	open func(r *bufio.Reader, history uint64) (io.Reader, error)
	// history is what the first part of a file needs, in bytes, and least what every
	// file does. Later parts may need more than the first.
	history func(*bufio.Reader) uint64 // nil if they need no more than least
	least   uint64
}

var decompressors = []decompressor{
	{"gzip", []byte{0x1f, 0x8b, 8}, openGzip, nil, 64 << 10},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd, zstdHistory, 1 << 20},
	{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}, openLZ4, nil, 8 << 20},  // a block of 4 MiB and its content
	{"lz4", []byte{0x02, 0x21, 0x4c, 0x18}, openLZ4, nil, 16 << 20}, // the Linux kernel's legacy frame
	{"xz", []byte{0xfd, '7', 'z', 'X', 'Z', 0}, openXZ, xzHistory, 1 << 20},
}

// decompress returns the input's bytes before compression, if it has any.
func (in *Input) decompress(opts *Options) (io.Reader, error) {
	d := findDecompressor(in.raw.r)
	if d == nil {
		return in.raw.r, nil
	}
	in.Compression = d.name
	history := d.least
	if d.history != nil {
		history = max(history, d.history(in.raw.r))
	}
	if history > maxWindow {
		return nil, fmt.Errorf("needs a history of %d MiB to decompress, of %d allowed", history>>20, maxWindow>>20)
	}
	switch {
	case opts.decoders == nil:
		return in.expand(d, maxWindow, opts)
	case opts.decoders.take(history):
		in.history, in.decoders = history, opts.decoders
		plain, err := in.expand(d, history, opts)
		g := &growing{r: plain, in: in, d: d, opts: opts}
		in.expanded = &g.r
		return g, err
	}
	p, kept := opts.Scratch.parts[in.Name]
	if !kept {
		var err error
		if p, err = in.unpack(d, opts); err != nil {
			return nil, err
		}
	}
	return opts.Scratch.open(p, 0), nil
}

// expand decompresses the input as it is read.
func (in *Input) expand(d *decompressor, history uint64, opts *Options) (*expander, error) {
	plain, err := d.open(in.raw.r, history)
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

func openGzip(r *bufio.Reader, _ uint64) (io.Reader, error) { return gzip.NewReader(r) }

func openZstd(r *bufio.Reader, history uint64) (io.Reader, error) {
	plain, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(history), zstd.WithDecoderMaxMemory(history))
	if err != nil {
		return nil, err
	}
	return zstdReader{plain}, nil
}

// A zstdReader says of a frame that needs too much history that it does.
type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.Decoder.Read(p)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = errHistory
	}
	return n, err
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

func openLZ4(r *bufio.Reader, _ uint64) (io.Reader, error) { return lz4.NewReader(r), nil }

// errHistory is returned where a later part of a file needs more history than its first.
var errHistory = errors.New("a later part of the file needs more history to decompress than is allowed")

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
