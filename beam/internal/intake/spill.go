package intake

import (
	"errors"
	"os"
)

// A spill holds the chunks of connections that are too large to travel, on the
// worker's own disk, until the file is read and each can have a run: object
// stores take whole files only, and few at a time.
type spill struct {
	file *os.File
	size int64
	buf  []byte
}

// An extent is where a chunk lies in the spill.
type extent struct {
	offset int64
	length int
}

func (s *spill) append(value []byte) (extent, error) {
	if s.file == nil {
		f, err := os.CreateTemp("", "tcptrace-beam-spill-")
		if err != nil {
			return extent{}, err
		}
		s.file = f
		_ = os.Remove(f.Name()) // it goes with the process, where the system allows that
	}
	at := extent{s.size, len(value)}
	n, err := s.file.Write(value)
	s.size += int64(n)
	return at, err
}

// read gives a chunk; it is valid until the next read.
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
		return // the system clears its directory
	}
}
