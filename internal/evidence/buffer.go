package evidence

import (
	"errors"
	"io"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// A buffer is what a file has behind its section header, while it is collected:
// in memory as long as all buffers fit there, then in a file.
type buffer struct {
	all  *buffers
	data []byte
	file string // "" while there is none
}

// buffers share memory. No file stays open: there may be more of them than a
// process may open.
type buffers struct {
	dir  string
	max  int // bytes
	used int
	list []*buffer
}

const maxBuffered = 64 << 20

// add returns an empty buffer.
func (bs *buffers) add() *buffer {
	b := &buffer{all: bs}
	bs.list = append(bs.list, b)
	return b
}

// Write adds to the buffer.
func (b *buffer) Write(p []byte) (int, error) {
	b.data = append(b.data, p...)
	if b.all.used += len(p); b.all.used > b.all.max {
		return len(p), b.all.spill()
	}
	return len(p), nil
}

// spill empties the memory into files.
func (bs *buffers) spill() error {
	for _, b := range bs.list {
		if err := b.spill(); err != nil {
			return err
		}
	}
	bs.used = 0
	return nil
}

func (b *buffer) spill() (err error) {
	if len(b.data) == 0 {
		return nil
	}
	var f *os.File
	if b.file == "" {
		if f, err = output.CreateTemp(b.all.dir, ".evidence-*"); err == nil {
			b.file = f.Name()
		}
	} else {
		f, err = os.OpenFile(b.file, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b.data)
	b.data = nil
	return errors.Join(err, f.Close())
}

// copyTo writes all that was written to the buffer.
func (b *buffer) copyTo(w io.Writer) error {
	if b.file != "" {
		f, err := os.Open(b.file)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
	}
	_, err := w.Write(b.data)
	return err
}

// clear removes the files.
func (bs *buffers) clear() {
	for _, b := range bs.list {
		if b.file != "" {
			output.Discard(b.file)
		}
	}
}
