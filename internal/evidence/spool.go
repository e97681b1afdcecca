package evidence

import (
	"fmt"
	"io"
	"os"
)

// A Spool keeps what is read through it, so that standard input can be read a
// second time. It keeps no more than it may, and a disk that is full does not
// disturb the reading either: then there is no second time.
type Spool struct {
	r    io.Reader
	file *os.File
	size int64
	max  int64
	err  error // why there is no second time
}

// DefaultSpool is how many bytes of standard input are kept.
const DefaultSpool = 1 << 30

// NewSpool reads from r and keeps up to max bytes in a file without a name.
func NewSpool(r io.Reader, max int64) (*Spool, error) {
	f, err := os.CreateTemp("", "tcptrace-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // where that is not possible while it is open, Close does it
	return &Spool{r: r, file: f, max: max}, nil
}

// Read reads on, and keeps what it read.
func (s *Spool) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if n > 0 && s.err == nil {
		s.keep(p[:n])
	}
	return n, err
}

func (s *Spool) keep(p []byte) {
	if s.size+int64(len(p)) > s.max {
		s.err = fmt.Errorf("standard input is longer than the %d bytes of it that are kept to be read again", s.max)
		s.file.Truncate(0)
		return
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		s.err = fmt.Errorf("standard input cannot be kept to be read again: %w", err)
		s.file.Truncate(0)
	}
}

// Again reads all that was read from the beginning.
func (s *Spool) Again() (io.Reader, error) {
	if s.err != nil {
		return nil, s.err
	}
	return io.NewSectionReader(s.file, 0, s.size), nil
}

// Close lets go of what was kept.
func (s *Spool) Close() error {
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}
