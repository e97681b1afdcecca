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
	// Stdin is what "-" means. Nil refuses it.
	Stdin io.Reader
	// Text turns scenario text into pcapng. Content counts as text if it is
	// valid UTF-8 without NUL bytes and is nothing else. Nil refuses it.
	Text func([]byte) ([]byte, error)
	// MaxExpand bounds decompression: beyond the first GiB, a file may become
	// this many times as large. 0 stands for 10,000.
	MaxExpand int64
	// Pipe is what standard input and everything else that is no regular file
	// is read through: they may keep their reader waiting. Nil reads them as
	// they are.
	Pipe func(io.Reader) io.Reader
	// Open opens an input that is not standard input, wherever it lies. Nil has
	// the operating system do so.
	Open func(name string) (io.ReadCloser, error)
}

// ErrStopped is what a reader of Options.Pipe says when nobody wants the rest.
// The file ends there, and is not damaged.
var ErrStopped = errors.New("reading was stopped")

// stdinName is how standard input is named on command lines.
const stdinName = "-"

// An Input is the bytes of one file, decompressed, for whoever knows their format.
type Input struct {
	Name        string
	Compression string // as in Info
	*stream
	raw *raw
}

// openInput opens a named file, or standard input as "-". Its stream has blocks
// of so many bytes; 0 is as many as a file among many needs.
func openInput(name string, opts *Options, block int) (*Input, error) {
	raw, err := openRaw(name, opts)
	if err != nil {
		return nil, err
	}
	in := &Input{Name: name, raw: raw}
	plain, err := in.decompress(opts)
	if err != nil {
		raw.close()
		return nil, in.Explain(err)
	}
	if block == 0 {
		block = peekBlock
		if raw.once {
			block = leastShare
		}
	}
	in.stream = newStream(plain, block)
	return in, nil
}

// Peek gives the next n bytes, and nil if there are fewer. They are valid until
// the next Peek.
func (in *Input) Peek(n int) []byte {
	if !in.has(n) {
		return nil
	}
	return in.buf[in.off : in.off+n]
}

// Skip goes on behind n bytes that Peek gave.
func (in *Input) Skip(n int) { in.off += n }

// Offset is that of the next byte.
func (in *Input) Offset() int64 { return in.pos() }

// Cut is the damage of an input that ends within the next n bytes.
func (in *Input) Cut(what string, n int) *Damage { return in.cut(what, int64(n)) }

// End is why no more bytes come: io.EOF, or a *Damage if they could not be
// decompressed or read.
func (in *Input) End() error { return in.finish() }

// Explain completes an error in the content with the input's name.
func (in *Input) Explain(err error) error {
	var d *Damage
	if errors.As(err, &d) {
		d.File, d.Compression = in.Name, in.Compression
		return d
	}
	return fmt.Errorf("%s: %w", in.Name, err)
}

// Count adds the bytes read from now on, as they lie on disk, and those read
// before to a counter.
func (in *Input) Count(c *atomic.Int64) {
	c.Add(in.raw.taken)
	in.raw.counter = c
}

// Size is that on disk, in bytes; 0 if it is not known, as that of a pipe.
func (in *Input) Size() int64 { return in.raw.size }

// Close closes the file.
func (in *Input) Close() error { return in.raw.close() }

// A raw is the bytes of one file as they lie on disk.
type raw struct {
	r       *bufio.Reader
	closer  io.Closer     // nil for standard input
	once    bool          // it cannot be read again
	taken   int64         // bytes read so far
	counter *atomic.Int64 // the same, for whoever shows progress; may be nil
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

// sniffSize is how much of an input is looked at to tell what it is, and how
// much a decompressor is fed at once.
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
	f.taken += n
	if f.counter != nil {
		f.counter.Add(n)
	}
}

// close closes the file, and counts what was not read of it as done.
func (f *raw) close() error {
	if rest := f.size - f.taken; rest > 0 {
		f.count(rest)
	}
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
