package intake

import (
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// Facts are what one file shows, besides its segments. Times are trace time.
type Facts struct {
	Index   int
	Capture packed.Capture // its line in the report, and the steps of its clock

	Frames   uint64
	Segments uint64
	Skipped  []packed.Count
	Start    int64        // the time of the first frame, which ranks the file
	Earliest int64        // of all frames
	Latest   int64        // of all frames
	End      int64        // Latest, or a later end that the file states
	Gaps     []packed.Gap // over an hour without a frame
	Steps    []Step       // frames before which the clock stepped
}

// A Step is a frame before which the file's clock stepped: its time, and its
// place in time.
type Step struct {
	Frame    uint32
	At, Time int64
}

// quietGap is a stretch without a frame that ends the trace for what is absent,
// as package engine has it.
const quietGap = int64(3600e9)

// A tally makes the facts of a file as it is read.
type tally struct {
	Facts
	skipped [decode.NumReasons]uint64
	trace   *capture.Trace
}

// frame counts a frame, and returns its place in time.
func (t *tally) frame(fr *capture.Frame) (time int64) {
	if t.Frames == 0 {
		t.Start, t.Earliest, t.Latest = fr.At, fr.At, fr.At
	}
	t.Frames++
	t.Earliest = min(t.Earliest, fr.At)
	if fr.At-t.Latest > quietGap {
		t.Gaps = append(t.Gaps, packed.Gap{From: t.Latest, To: fr.At})
	}
	t.Latest = max(t.Latest, fr.At)
	if fr.Stepped {
		t.Steps = append(t.Steps, Step{Frame: fr.Num, At: fr.At, Time: t.Latest})
	}
	return t.Latest
}

// facts are those of the file, now that it was read to its end.
func (t *tally) facts() *Facts {
	t.End = t.trace.End()
	for reason, n := range t.skipped {
		if n > 0 {
			t.Skipped = append(t.Skipped, packed.Count{Name: decode.Reason(reason).String(), N: n})
		}
	}
	info := t.trace.Infos()[0]
	c := &t.Capture
	c.File, c.Format, c.Compression = info.File, info.Format, info.Compression
	c.Packets, c.Bytes = info.Packets, info.Bytes
	c.First, c.Last, c.End = info.First, info.Last, info.End
	c.Drops, c.Warnings, c.Steps = info.Drops, info.Warnings, t.trace.ClockSteps(0)
	for _, l := range info.LinkTypes {
		c.LinkTypes = append(c.LinkTypes, uint32(l))
	}
	return &t.Facts
}
