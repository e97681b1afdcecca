package engine

import (
	"cmp"
	"iter"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// sameMoment is within what time answers came together, in nanoseconds: what held them up lets them pass at once. maxBeside bounds how many
// are looked at, before and after one.
const (
	sameMoment = int64(10 * time.Millisecond)
	maxBeside  = 64
)

// heldUp makes undecided how late a host answered, if answers of two other networks to the same one came in the same moment, late as well:
// what servers do by themselves is not over in the same milliseconds. One is enough if it is not for an application to give: of
// a handshake, or to what was sent again.
func heldUp(findings iter.Seq[*detectors.Finding], delays stats.Delays) {
	of := map[[16]byte][]lateAnswer{}
	for f := range findings {
		if o := cmp.Or(f.Held, f.Late); o != nil {
			of[o.From.Addr] = append(of[o.From.Addr], lateAnswer{f, o})
		}
	}
	for from, all := range of {
		sorting.Stable(all, func(a, b lateAnswer) int {
			return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Start, b.Start), cmp.Compare(a.Frame, b.Frame))
		})
		others := delays.Of(from)
		for i, x := range all {
			if x.f.Verdict != detectors.Seen {
				continue
			}
			if frames, are := beside(all, i); are {
				x.f.HeldUp(frames)
			} else if frame, is := others.Together(x.Start, x.End, sameMoment, x.Frame); is && x.f.Held != nil {
				x.f.HeldBack(frame)
			}
		}
	}
}

// beside are the first late answers of two other networks than that of the one at i, in the same moment.
func beside(all []lateAnswer, i int) (frames [2]uint32, are bool) {
	x := all[i].Outage
	var first *detectors.Outage
	for k := max(i-maxBeside, 0); k <= min(i+maxBeside, len(all)-1); k++ {
		o := all[k].Outage
		if max(o.End-x.End, x.End-o.End) > sameMoment || stats.SameNetwork(o.To.Addr, x.To.Addr) {
			continue
		}
		if first == nil {
			first = o
		} else if !stats.SameNetwork(o.To.Addr, first.To.Addr) {
			return [2]uint32{first.Frame, o.Frame}, true
		}
	}
	return frames, false
}
