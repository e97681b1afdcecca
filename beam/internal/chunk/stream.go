package chunk

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// A stream is what one file has of a connection, in order of its frames.
type stream struct {
	file  uint16
	rank  int
	heads []head // not yet opened
	time  int64  // the place in time of the next segment

	ready   bool          // the next segment is at hand
	next    packed.Record // if ready
	decoder packed.Decoder
	late    []late // of the chunk that is open, from the next segment on
	first   head   // the next chunk of the run, if the run is open

	run    *bufio.Reader // nil if none is open
	closer io.Closer
}

// maxTravel is more than any chunk has: its head counts late segments too.
const maxTravel = 4 * packed.MaxChunk

// load has the next segment at hand.
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

// readChunk reads the next chunk of the run; io.EOF says that there is none.
func (s *stream) readChunk() error {
	n, err := binary.ReadUvarint(s.run)
	if err != nil {
		return err
	}
	if n > maxTravel {
		return fmt.Errorf("a chunk of %d bytes", n)
	}
	value := make([]byte, n)
	if _, err := io.ReadFull(s.run, value); err != nil {
		return unexpected(err)
	}
	s.first, err = parse(value)
	return err
}

// decode has the next segment of the open chunk at hand, and knows its place.
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

// advance goes on behind the segment at hand, as far as to know the place of the
// one after. io.EOF says that there is none.
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

// AppendToRun appends a chunk as it lies in a run.
func AppendToRun(buf, value []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(value))), value...)
}

func (s *stream) close() {
	if s.closer != nil {
		s.closer.Close()
		s.run, s.closer = nil, nil
	}
}
