package capture

import (
	"fmt"
	"io"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// maxScratch is how many bytes are kept on disk at most.
const maxScratch = 16 << 30

// A Scratch keeps whole inputs decompressed, one after the other, in a temporary file
// without a name. It may be used for several readings of the same inputs, one at a time.
// The zero value is ready for use.
type Scratch struct {
	file  output.Unnamed
	size  int64
	parts map[string]part // by the name of the input
}

// A part is one input in the file.
type part struct {
	from, size int64
	err        error // why it ends there
}

// Create creates the file, for a process that soon may create none.
func (s *Scratch) Create() (err error) {
	if s.file.File == nil {
		s.file, err = output.CreateUnnamed()
	}
	return err
}

// Close removes the file.
func (s *Scratch) Close() error {
	if s.file.File == nil {
		return nil
	}
	return s.file.Close()
}

// keep reads r to its end. The error says why that is not possible.
func (s *Scratch) keep(name string, r io.Reader) (part, error) {
	if err := s.Create(); err != nil {
		return part{}, noRoom(err)
	}
	p := part{from: s.size}
	b := make([]byte, blockSize)
	for p.err == nil {
		var n int
		n, p.err = r.Read(b)
		if s.size+int64(n) > maxScratch {
			return part{}, noRoom(fmt.Errorf("more than %d GiB", maxScratch>>30))
		}
		if _, err := s.file.WriteAt(b[:n], s.size); err != nil {
			s.file.Truncate(p.from)
			s.size = p.from
			return part{}, noRoom(err)
		}
		s.size += int64(n)
	}
	p.size = s.size - p.from
	if s.parts == nil {
		s.parts = map[string]part{}
	}
	s.parts[name] = p
	return p, nil
}

func noRoom(err error) error {
	return fmt.Errorf("too many compressed files overlap in time to decompress them in memory, and in %s there is no room: %w", os.TempDir(), err)
}

// open reads an input that was kept, from an offset on.
func (s *Scratch) open(p part, offset int64) io.Reader {
	return &partReader{io.NewSectionReader(s.file, p.from, p.size), p.err, offset}
}

type partReader struct {
	r   *io.SectionReader
	err error // at its end
	off int64
}

func (r *partReader) Read(b []byte) (int, error) {
	n, err := r.r.ReadAt(b, r.off)
	r.off += int64(n)
	switch {
	case n > 0:
		return n, nil
	case err == io.EOF:
		err = r.err
	}
	return n, err
}
