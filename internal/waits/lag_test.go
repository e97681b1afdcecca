package waits

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Segments that pass every millisecond, later and later by up to 200 ms, are 100 ms late on average,
// whatever the clock's tick, and though it is only known at the end. The SYN was late, too.
func TestLag_mean(t *testing.T) {
	const ms = 1_000_000
	for u, tick := range usualTicks[:3] {
		var e end
		var l lag
		segment := func(left, passed int64) *reassembly.Segment {
			seg := &reassembly.Segment{At: passed}
			seg.Opts.Has, seg.Opts.TSVal = reassembly.HasTimestamps, uint32(1000+left/tick)
			return seg
		}
		e.clock.note(segment(0, 60*ms))
		for i := int64(1); i <= 4000; i++ {
			seg := segment(i*ms, i*ms+i*ms/20)
			l.note(seg, &e)
			e.clock.note(seg)
		}
		if got := l.mean(&e); got != 0 {
			t.Errorf("tick %d ms: %d ns late, though the tick is not known", tick/ms, got)
		}
		e.usual = usualTick(u + 1)
		if got := l.mean(&e); got < 98*ms || got > 102*ms {
			t.Errorf("tick %d ms: %d us late on average, want 100 ms", tick/ms, got/1000)
		}
	}
}
