package intake

import (
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Stats are the statistics of one file. Times are trace time.
type Stats struct {
	Index   int
	Tap     int // that the file is from; -1 if none was named
	Capture stats.Capture

	Frames   uint64
	Segments uint64
	Skipped  []stats.Skipped
	Start    int64       // time of the first frame, by which files are ranked
	Earliest int64       // of all frames
	Latest   int64       // of all frames
	End      int64       // Latest, or a later end that the file states
	Gaps     []stats.Gap // longer than stats.Pause
	Blind    []stats.Gap // see stats.Rhythm
	Steps    []Step      // frames before which the clock stepped
}

// A Step is a frame before which the file's clock stepped.
type Step struct {
	Frame    uint32
	At, Time int64 // its time, and its Position.Time
}

// A counter makes the statistics of a file while it is read.
type counter struct {
	Stats
	skipped [decode.NumReasons]uint64
	trace   *capture.Trace
	rhythm  stats.Rhythm
	decoder *decode.Decoder
	numbers stats.Numbering
}

// frame counts a frame and returns its Position.Time.
func (c *counter) frame(fr *capture.Frame) (time int64) {
	if c.Frames == 0 {
		c.Start, c.Earliest, c.Latest = fr.At, fr.At, fr.At
	}
	c.Frames++
	c.rhythm.Frame(fr.At)
	c.Earliest = min(c.Earliest, fr.At)
	if fr.At-c.Latest > stats.Pause {
		c.Gaps = append(c.Gaps, stats.Gap{From: c.Latest, To: fr.At})
	}
	c.Latest = max(c.Latest, fr.At)
	if fr.Stepped {
		c.Steps = append(c.Steps, Step{Frame: fr.Num, At: fr.At, Time: c.Latest})
	}
	return c.Latest
}

// stats completes the statistics at the end of the file.
func (c *counter) stats() *Stats {
	c.End, c.Blind = c.trace.End(), c.rhythm.Gaps()
	for reason, n := range c.skipped {
		if n > 0 {
			c.Skipped = append(c.Skipped, stats.Skipped{Reason: decode.Reason(reason).String(), N: n})
		}
	}
	c.Capture = c.trace.Infos()[0].Capture
	c.Capture.Made = c.numbers.Made()
	c.Capture.Damaged = stats.Damaged(c.decoder.Right, c.decoder.Wrong)
	return &c.Stats
}
