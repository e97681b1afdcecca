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

// An input is the bytes of one file as they lie on disk.
type input struct {
	r       *bufio.Reader
	closer  io.Closer     // nil for standard input
	taken   int64         // bytes read so far
	counter *atomic.Int64 // the same, for whoever shows progress; may be nil
	size    int64         // of a regular file, else 0
}

// openInput opens a named file, or standard input as "-".
func openInput(name string, opts *Options) (*input, error) {
	if name == stdinName {
		if opts.Stdin == nil {
			return nil, errors.New("-: there is no standard input")
		}
		return newInput(opts.piped(opts.Stdin), nil), nil
	}
	if opts.Open != nil {
		f, err := opts.Open(name)
		if err != nil {
			return nil, err
		}
		return newInput(f, f), nil
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
		return newInput(opts.piped(f), f), nil
	}
	in := newInput(f, f)
	in.size = st.Size()
	return in, nil
}

func (o *Options) piped(r io.Reader) io.Reader {
	if o.Pipe == nil {
		return r
	}
	return o.Pipe(r)
}

func newInput(r io.Reader, c io.Closer) *input {
	in := &input{closer: c}
	in.r = bufio.NewReaderSize(tally{r, in}, sniffSize)
	return in
}

// sniffSize is how much of an input is looked at to tell what it is, and how
// much a decompressor is fed at once.
const sniffSize = 32 << 10

// A tally counts what is read from an input.
type tally struct {
	io.Reader
	in *input
}

func (t tally) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.in.count(int64(n))
	return n, err
}

func (in *input) count(n int64) {
	in.taken += n
	if in.counter != nil {
		in.counter.Add(n)
	}
}

// close closes the file, and counts what was not read of it as done.
func (in *input) close() error {
	if rest := in.size - in.taken; rest > 0 {
		in.count(rest)
	}
	if in.closer == nil {
		return nil
	}
	return in.closer.Close()
}
