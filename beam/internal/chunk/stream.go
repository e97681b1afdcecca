package chunk

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// A stream is the segments of a connection in one file, in the order of frames.
type stream struct {
	file  uint16
	rank  int
	heads []head // not yet decoded
	time  int64  // Position.Time of the next segment

	ready   bool          // next is valid
	next    packed.Record // the next segment
	decoder packed.Decoder
	late    []late // of the open chunk, from the next segment on
	first   head   // the next chunk of the open run

	run    *bufio.Reader // nil if none is open
	closer io.Closer
}

// maxSize is more than the size of any chunk, including its late segments.
const maxSize = 4 * packed.MaxChunk

// load decodes the next segment, unless that was done.
func (s *stream) load(open func(string) (io.ReadCloser, error)) error {
	if s.ready {
		return nil
	}
	h := s.first
	if s.run == nil {
		h = s.heads[0]
		s.heads = s.heads[1:]
		if h.run != "" {
			if err := s.begin(h.run, open); err != nil {
				return err
			}
			h = s.first
		}
	}
	s.decoder.Reset(h.body)
	s.late = h.late
	return s.decode()
}

// begin opens a run and reads its first chunk.
func (s *stream) begin(name string, open func(string) (io.ReadCloser, error)) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	s.run, s.closer = bufio.NewReaderSize(f, packed.MaxChunk), f
	if err := s.readChunk(); err != nil {
		return fmt.Errorf("%s: %w", name, unexpected(err))
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readChunk reads the next chunk of the run. It returns io.EOF if there is none.
func (s *stream) readChunk() error {
	n, err := binary.ReadUvarint(s.run)
	if err != nil {
		return err
	}
	if n > maxSize {
		return fmt.Errorf("a chunk of %d bytes", n)
	}
	value := make([]byte, n)
	if _, err := io.ReadFull(s.run, value); err != nil {
		return unexpected(err)
	}
	s.first, err = parse(value)
	return err
}

// decode decodes the next segment of the open chunk, and its position.
func (s *stream) decode() error {
	if err := s.decoder.Next(&s.next); err != nil {
		return err
	}
	s.ready, s.time = true, s.next.At
	if len(s.late) > 0 && s.late[0].frame == s.next.Frame {
		s.time += int64(s.late[0].by)
		s.late = s.late[1:]
	}
	return nil
}

// advance finds out the position of the segment after the current one. It returns
// io.EOF if there is none.
func (s *stream) advance() error {
	s.ready = false
	err := s.decode()
	if err != io.EOF {
		return err
	}
	if s.run != nil {
		if err := s.readChunk(); err != io.EOF {
			s.time = s.first.time
			return err
		}
		s.close()
	}
	if len(s.heads) == 0 {
		return io.EOF
	}
	s.time = s.heads[0].time
	return nil
}

// AppendToRun appends a chunk in the format of a run.
func AppendToRun(buf, value []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(value))), value...)
}

func (s *stream) close() {
	if s.closer != nil {
		s.closer.Close()
		s.run, s.closer = nil, nil
	}
}
