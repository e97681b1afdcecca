package intake

import (
	"errors"
	"os"
)

// A spill file holds chunks of connections that are too large to travel, on the
// worker's disk, until the capture has been read and each connection can have a
// run: object stores accept only whole files, and few at a time.
type spill struct {
	file *os.File
	size int64
	buf  []byte
}

// An extent is the location of a chunk in the spill file.
type extent struct {
	offset int64
	length int
}

func (s *spill) append(value []byte) (extent, error) {
	if s.file == nil {
		f, err := os.CreateTemp("", "tcptrace-beam-")
		if err != nil {
			return extent{}, err
		}
		s.file = f
		_ = os.Remove(f.Name()) // so it disappears with the process, if the system allows that
	}
	at := extent{s.size, len(value)}
	n, err := s.file.Write(value)
	s.size += int64(n)
	return at, err
}

// read returns a chunk, which is valid until the next read.
func (s *spill) read(at extent) ([]byte, error) {
	if cap(s.buf) < at.length {
		s.buf = make([]byte, at.length)
	}
	b := s.buf[:at.length]
	_, err := s.file.ReadAt(b, at.offset)
	return b, err
}

func (s *spill) close() {
	if s.file == nil {
		return
	}
	s.file.Close()
	if err := os.Remove(s.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return // the system will remove it
	}
}
