package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// Options say how inputs are read.
type Options struct {
	// Stdin is read for the name "-". If it is nil, that name is an error.
	Stdin io.Reader
	// Text turns scenario text into pcapng. Content counts as text if it is
	// valid UTF-8 without NUL bytes and no other known format. If Text is nil,
	// text is an error.
	Text func([]byte) ([]byte, error)
	// MaxExpand bounds decompression: beyond the first GiB, a file may expand to
	// this many times its size. 0 means 10,000.
	MaxExpand int64
	// Pipe wraps standard input and everything else that is not a regular file,
	// because reading these may block. Nil does not wrap them.
	Pipe func(io.Reader) io.Reader
	// Shift is added to all times, in nanoseconds.
	Shift int64
	// Open opens an input other than standard input, wherever it is stored. Nil
	// means os.Open.
	Open func(name string) (io.ReadCloser, error)
	// Scratch is where inputs are decompressed if too many are open at a time. Nil is
	// one of the trace's own.
	Scratch *Scratch

	decoders *decoders // for many inputs; nil for one
	ahead    Ahead     // nil to decompress what is wanted
}

// ErrStopped is returned by a reader of Options.Pipe when reading is to stop. The
// file ends there, and is not damaged.
var ErrStopped = errors.New("reading was stopped")

// stdinName is the name of standard input on the command line.
const stdinName = "-"

// An Input is the decompressed bytes of one file of any format.
type Input struct {
	Name        string
	Compression string // as in Info
	*stream
	raw      *raw
	history  uint64        // that its decompressor has
	decoders *decoders     // from which that was taken
	expanded *io.Reader    // where the decompressed bytes are read from; nil if there is no decompressor
	ahead    io.ReadCloser // the same, if they are read ahead
}

// openInput opens a named file, or standard input as "-". block is the size of
// its stream's block in bytes; 0 suits one file of many.
func openInput(name string, opts *Options, block int) (*Input, error) {
	raw, err := openRaw(name, opts)
	if err != nil {
		return nil, err
	}
	in := &Input{Name: name, raw: raw}
	plain, err := in.decompress(opts)
	if err != nil {
		in.Close()
		return nil, in.Explain(err)
	}
	if block == 0 {
		block = peekBlock
		if raw.once {
			block = leastShare
		}
	}
	in.stream = newStream(plain, block)
	if _, is := plain.(*expander); is {
		in.expanded = &in.stream.r
	}
	return in, nil
}

// Peek returns the next n bytes, or nil if there are fewer. They are valid until
// the next Peek.
func (in *Input) Peek(n int) []byte {
	if !in.has(n) {
		return nil
	}
	return in.buf[in.off : in.off+n]
}

// Skip consumes n bytes that Peek returned.
func (in *Input) Skip(n int) { in.off += n }

// Offset is the offset of the next byte in the decompressed file.
func (in *Input) Offset() int64 { return in.pos() }

// Cut is the damage of an input that ends within the n bytes of a record.
func (in *Input) Cut(what string, n int) *Damage { return in.cut(what, int64(n)) }

// End is why no more bytes come: io.EOF, or a *Damage if they could not be
// decompressed or read.
func (in *Input) End() error { return in.finish() }

// Explain adds the input's name to an error in its content.
func (in *Input) Explain(err error) error {
	var d *Damage
	if errors.As(err, &d) {
		d.File, d.Compression = in.Name, in.Compression
		return d
	}
	return fmt.Errorf("%s: %w", in.Name, err)
}

// Count adds all bytes read from the file, as stored on disk, to a counter.
func (in *Input) Count(c *atomic.Int64) {
	c.Add(in.raw.read)
	in.raw.counter = c
}

// Size is the size on disk in bytes. It is 0 if unknown, as for a pipe.
func (in *Input) Size() int64 { return in.raw.size }

// Close closes the file.
func (in *Input) Close() error {
	in.stopAhead()
	in.giveBack()
	return in.raw.close()
}

// giveBack returns the memory of the decompressor, which is not used any more.
func (in *Input) giveBack() {
	if in.decoders != nil {
		in.decoders.free += in.history
		in.history = 0
	}
}

// A raw is the bytes of one file as stored on disk.
type raw struct {
	r       *bufio.Reader
	closer  io.Closer     // nil for standard input
	once    bool          // it cannot be read again
	read    int64         // bytes so far
	counter *atomic.Int64 // adds up the same for all files; may be nil
	size    int64         // of a regular file, else 0
}

func openRaw(name string, opts *Options) (*raw, error) {
	if name == stdinName {
		if opts.Stdin == nil {
			return nil, errors.New("-: there is no standard input")
		}
		return newRaw(opts.piped(opts.Stdin), nil, true), nil
	}
	if opts.Open != nil {
		f, err := opts.Open(name)
		if err != nil {
			return nil, err
		}
		return newRaw(f, f, false), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s: is a directory", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return newRaw(opts.piped(f), f, true), nil
	}
	r := newRaw(f, f, false)
	r.size = st.Size()
	return r, nil
}

func (o *Options) piped(r io.Reader) io.Reader {
	if o.Pipe == nil {
		return r
	}
	return o.Pipe(r)
}

func newRaw(r io.Reader, c io.Closer, once bool) *raw {
	f := &raw{closer: c, once: once}
	f.r = bufio.NewReaderSize(counted{r, f}, sniffSize)
	return f
}

// sniffSize is how much of an input is examined to recognise its compression, and
// the read size of decompressors.
const sniffSize = 32 << 10

// A counted counts what is read from a file.
type counted struct {
	io.Reader
	raw *raw
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.raw.count(int64(n))
	return n, err
}

func (f *raw) count(n int64) {
	f.read += n
	if f.counter != nil {
		f.counter.Add(n)
	}
}

// close closes the file, and counts the rest of it as read.
func (f *raw) close() error {
	if rest := f.size - f.read; rest > 0 {
		f.count(rest)
	}
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
