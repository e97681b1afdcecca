package shard

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Is reports whether an input is a shard.
func Is(in *capture.Input) bool { return bytes.Equal(in.Peek(len(packed.Magic)), []byte(packed.Magic)) }

// A reader reads one shard.
type reader struct {
	packed.Prelude
	in       *capture.Input
	names    []string // of the captures
	places   packed.Places
	related  packed.Related
	stats    *stats.Trace // nil until the end was read
	decoder  packed.Decoder
	chunk    int64         // its offset in the file
	rec      packed.Record // the latest
	segments uint64        // read so far
	frame    uint32        // number of the latest
	first    int64         // time of the earliest
	last     int64         // time of the latest
	gaps     []stats.Gap   // between these segments
	err      error         // io.EOF at an orderly end, or *capture.Damage
}

const (
	// stepBack is how much times may go back, as in package capture.
	stepBack = int64(1e9)
	// maxPosition keeps positions within a signed number.
	maxPosition = 1<<62 - 1
)

// newReader reads the prelude, the names, and where the captures were made. It closes the input if that fails.
func newReader(in *capture.Input) (*reader, error) {
	r := &reader{in: in}
	if err := r.begin(); err != nil {
		in.Close()
		return nil, in.Explain(err)
	}
	return r, nil
}

func (r *reader) begin() (err error) {
	head := r.in.Peek(packed.PreludeSize)
	if head == nil {
		return r.in.Cut("prelude", packed.PreludeSize)
	}
	if r.Prelude, err = packed.ParsePrelude(head); err != nil {
		return err
	}
	r.in.Skip(packed.PreludeSize)
	if err := r.block(); err != nil {
		return err
	}
	if r.names == nil {
		return &capture.Damage{Offset: packed.PreludeSize, Reason: "the names of the captures are missing"}
	}
	if next := r.in.Peek(1); next != nil && next[0] == packed.BlockPlaces {
		return r.block()
	}
	return nil
}

// next reads the next segment into rec, and reports whether there was one. If
// not, it closes the input.
func (r *reader) next() bool {
	if r.err != nil {
		return false
	}
	if r.err = r.read(); r.err == nil {
		return true
	}
	if errors.Is(r.err, capture.ErrStopped) {
		r.err = io.EOF
	}
	var d *capture.Damage
	if errors.As(r.err, &d) {
		d.Frame = r.frame
		r.in.Explain(d)
	}
	r.in.Close()
	return false
}

func (r *reader) read() error {
	before := r.rec.Position
	for {
		switch err := r.decoder.Next(&r.rec); {
		case err == nil:
			return r.count(before)
		case err != io.EOF:
			return r.damaged(err.Error())
		}
		if err := r.block(); err != nil {
			return err
		}
	}
}

// damaged is damage in the current chunk.
func (r *reader) damaged(reason string) error {
	return &capture.Damage{Offset: r.chunk, Reason: reason}
}

// count checks and counts the current segment.
func (r *reader) count(before uint64) error {
	rec := &r.rec
	switch {
	case rec.Position <= before || rec.Position > maxPosition:
		return r.damaged("a segment does not come after the previous one")
	case rec.At < r.last-stepBack:
		return r.damaged("time goes back by more than a second")
	case rec.Tap != 0 && int(rec.Tap) >= r.places.Points:
		return r.damaged(fmt.Sprintf("a segment belongs to capture point %d of %d", rec.Tap+1, r.places.Points))
	case int(rec.File) >= len(r.names):
		return r.damaged(fmt.Sprintf("a segment belongs to capture %d of %d", rec.File+1, len(r.names)))
	}
	if r.last == 0 {
		r.first, r.last = rec.At, rec.At
	}
	if rec.At-r.last > stats.QuietGap {
		r.gaps = append(r.gaps, stats.Gap{From: r.last, To: rec.At})
	}
	if !rec.IsQuote() {
		r.segments++
	}
	r.frame = rec.Frame
	r.first, r.last = min(r.first, rec.At), max(r.last, rec.At)
	return nil
}

// block reads a block. It returns io.EOF after the last one.
func (r *reader) block() error {
	at := r.in.Offset()
	head := r.in.Peek(packed.BlockHeader)
	if head == nil {
		if err := r.in.End(); err != io.EOF {
			return err
		}
		if r.in.Peek(1) != nil {
			return r.in.Cut("block header", packed.BlockHeader)
		}
		return &capture.Damage{Offset: at, Cut: true, Reason: "the file ends without its last block, which has the statistics of the trace"}
	}
	k, err := packed.ParseBlock(head)
	if err != nil {
		return &capture.Damage{Offset: at, Reason: err.Error()}
	}
	whole := r.in.Peek(packed.BlockHeader + k.Size)
	if whole == nil {
		return r.in.Cut("block", packed.BlockHeader+k.Size)
	}
	content := whole[packed.BlockHeader:]
	if !k.Holds(content) {
		return &capture.Damage{Offset: at, Reason: fmt.Sprintf("the checksum of a block of %d bytes is wrong", k.Size)}
	}
	r.in.Skip(len(whole))
	switch k.Kind {
	case packed.BlockNames:
		r.names, err = packed.ParseNames(content)
	case packed.BlockSegments:
		r.chunk = at
		r.decoder.Reset(content)
	case packed.BlockPlaces:
		r.places, err = packed.ParsePlaces(content, len(r.names))
	case packed.BlockRelated:
		r.related, err = packed.ParseRelated(content, r.places.Points)
	case packed.BlockStats:
		if err = r.finish(content); err == nil {
			return r.end()
		}
	}
	if err != nil {
		return &capture.Damage{Offset: at, Reason: err.Error()}
	}
	return nil
}

// finish reads the statistics that end the file.
func (r *reader) finish(content []byte) error {
	s, err := packed.ParseStats(content)
	switch {
	case err != nil:
		return err
	case s.Segments != r.segments:
		return fmt.Errorf("%d segments were written, but there are %d", s.Segments, r.segments)
	case len(s.Captures) != len(r.names):
		return errors.New("the captures are not those of the first block")
	}
	r.stats = s
	return nil
}

// end checks that nothing follows the last block.
func (r *reader) end() error {
	if r.in.Peek(1) != nil {
		return &capture.Damage{Offset: r.in.Offset(), Reason: "the file continues after its end: name shards one by one instead of joining them"}
	}
	return r.in.End()
}
