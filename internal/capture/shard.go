package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// A shard is the records of a file of packed headers: segments of some
// connections of a trace. Its frames have no bytes.
type shard struct {
	*stream
	part    *part
	decoder packed.Decoder
	chunk   int64 // where it begins in the file
	rec     packed.Record
}

// A part is what a shard tells of itself and of the trace that it is part of.
type part struct {
	packed.Prelude
	names    []string      // of the captures
	facts    *packed.Facts // nil until the end was read
	segments uint64        // read so far
	position uint64        // of the latest
	first    int64
	last     int64
	gaps     []packed.Gap // between these segments
}

func newShard(s *stream) (*shard, error) {
	if !s.has(packed.PreludeSize) {
		return nil, s.cut("prelude", packed.PreludeSize)
	}
	prelude, err := packed.ParsePrelude(s.buf[s.off:s.end])
	if err != nil {
		return nil, err
	}
	s.off += packed.PreludeSize
	r := &shard{stream: s, part: &part{Prelude: prelude}}
	if err := r.block(); err != nil {
		return nil, err
	}
	if r.part.names == nil {
		return nil, &Damage{Offset: packed.PreludeSize, Reason: "the names of the captures are missing"}
	}
	return r, nil
}

func (s *shard) close() {}

// next reads the next segment.
func (s *shard) next(fr *Frame) error {
	for {
		switch err := s.decoder.Next(&s.rec); {
		case err == nil:
			if problem := s.part.take(&s.rec); problem != "" {
				return s.wrong(problem)
			}
			*fr = Frame{At: s.rec.At, Num: s.rec.Frame, File: s.rec.File, Packed: &s.rec}
			return nil
		case err != io.EOF:
			return s.wrong(err.Error())
		}
		if err := s.block(); err != nil {
			return err
		}
	}
}

// wrong is damage in the chunk at hand.
func (s *shard) wrong(problem string) error { return &Damage{Offset: s.chunk, Reason: problem} }

// take counts a segment, and says why it cannot be behind those before it.
func (p *part) take(rec *packed.Record) string {
	switch {
	case rec.Position <= p.position || rec.Position > maxTime:
		return "a segment is not behind the one before"
	case rec.At < p.last-stepBack:
		return "time goes back by more than a second"
	case int(rec.File) >= len(p.names):
		return fmt.Sprintf("a segment is of capture %d, and there are %d", rec.File+1, len(p.names))
	}
	if p.segments == 0 {
		p.first, p.last = rec.At, rec.At
	}
	if rec.At-p.last > int64(time.Hour) {
		p.gaps = append(p.gaps, packed.Gap{From: p.last, To: rec.At})
	}
	p.segments++
	p.position, p.first, p.last = rec.Position, min(p.first, rec.At), max(p.last, rec.At)
	return ""
}

// block reads a block. It returns io.EOF behind the last one.
func (s *shard) block() error {
	if !s.has(packed.BlockHeader) {
		if d := s.finish(); d != io.EOF {
			return d
		}
		if s.rest() > 0 {
			return s.cut("block header", packed.BlockHeader)
		}
		return &Damage{Offset: s.pos(), Cut: true, Reason: "the file ends without its last block, which tells of the trace as a whole"}
	}
	at := s.pos()
	k, err := packed.ParseBlock(s.buf[s.off:s.end])
	if err != nil {
		return s.damage("%v", err)
	}
	if !s.has(packed.BlockHeader + k.Size) {
		return s.cut("block", int64(packed.BlockHeader+k.Size))
	}
	content := s.buf[s.off+packed.BlockHeader:][:k.Size]
	if !k.Holds(content) {
		return s.damage("the checksum of a block of %d bytes is wrong", k.Size)
	}
	switch s.off += packed.BlockHeader + k.Size; k.Kind {
	case packed.BlockNames:
		s.part.names, err = packed.ParseNames(content)
	case packed.BlockSegments:
		s.chunk = at
		s.decoder.Reset(content)
	case packed.BlockFacts:
		if err = s.part.tell(content); err == nil {
			return s.over()
		}
	}
	if err != nil {
		return &Damage{Offset: at, Reason: err.Error()}
	}
	return nil
}

// tell takes the facts that end the file.
func (p *part) tell(content []byte) error {
	facts, err := packed.ParseFacts(content)
	switch {
	case err != nil:
		return err
	case facts.Segments != p.segments:
		return fmt.Errorf("%d segments were written, and %d are there", facts.Segments, p.segments)
	case len(facts.Captures) != len(p.names):
		return errors.New("the captures are not those that were named")
	}
	p.facts = facts
	return nil
}

// over is the end of the file, behind which nothing comes.
func (s *shard) over() error {
	if s.has(1) {
		return s.damage("the file goes on behind its end: shards are named one by one, not joined")
	}
	return s.finish()
}
