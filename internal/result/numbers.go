package result

import (
	"regexp"
	"strconv"
	"sync"

	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Segments hold the low 32 bits of frame numbers, so that they stay small. A capture of more
// frames says at which times the numbers passed multiples of 2^31 (Capture.Turns). What is
// printed is the whole number.

// Turn notes the next frame: the low 32 bits of its number, and its trace time.
func (c *Capture) Turn(frame uint32, at int64) {
	if stats.Turned(frame-1, frame) && (frame != 0 || len(c.Turns) > 0) {
		c.Turns = append(c.Turns, at)
	}
}

// FrameNumber is the number of a frame in its file, given its low 32 bits and its time.
func (r *Report) FrameNumber(file uint16, frame uint32, at int64) uint64 {
	if int(file) >= len(r.Captures) {
		return uint64(frame)
	}
	return r.Captures[file].Turns.Number(frame, at)
}

// FrameNumberOf is that of a segment's frame.
func (r *Report) FrameNumberOf(seg *reassembly.Segment) uint64 {
	return r.FrameNumber(seg.File, seg.Frame, seg.At)
}

// NearFrame is the number of a frame, from which others of its connection are known; 0 if the
// numbers of its file are whole as they are.
func (r *Report) NearFrame(file uint16, frame uint32, at int64) uint64 {
	if int(file) >= len(r.Captures) || len(r.Captures[file].Turns) < 2 {
		return 0
	}
	return r.FrameNumber(file, frame, at)
}

// Near is the number of one of the frames that an account names, for Whole.
func (r *Report) Near(t *waits.Record) uint64 {
	if len(t.Longest) == 0 {
		return 0
	}
	x := &t.Longest[0]
	return r.NearFrame(x.File[1], x.Frame[1], x.End)
}

// Whole is the number with these low 32 bits that is nearest to another; the same if that
// is 0.
func Whole(low uint32, near uint64) uint64 {
	const turn = 1 << 32
	if near == 0 {
		return uint64(low)
	}
	n := near/turn*turn + uint64(low)
	switch {
	case n > near && n-near > turn/2 && n >= turn:
		n -= turn
	case n < near && near-n > turn/2:
		n += turn
	}
	return n
}

// frameNumbers are those in sentences: "frame 7", "frames 7 to 9". No start waits for what few runs need.
var (
	frameNumbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[Ff]rames? \d+(?:(?:, | to | and )\d+\b)*`) })
	digits       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\d+`) })
)

// WholeNumbers is a sentence whose frame numbers, of which it has the low 32 bits, are whole.
func WholeNumbers(sentence string, near uint64) string {
	if near == 0 {
		return sentence
	}
	return frameNumbers().ReplaceAllStringFunc(sentence, func(of string) string {
		return digits().ReplaceAllStringFunc(of, func(n string) string {
			low, err := strconv.ParseUint(n, 10, 32)
			if err != nil { // it is whole already
				return n
			}
			return strconv.FormatUint(Whole(uint32(low), near), 10)
		})
	})
}

// WholeNumbers puts the sentences of a finding right.
func (r *Report) WholeNumbers(f *Finding) {
	if len(f.Evidence) == 0 {
		return
	}
	anchor := &f.Evidence[0].Seg
	if near := r.NearFrame(anchor.File, anchor.Frame, anchor.At); near != 0 {
		f.Message, f.Reason = WholeNumbers(f.Message, near), WholeNumbers(f.Reason, near)
	}
}
