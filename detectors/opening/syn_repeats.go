package opening

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The same SYN again within minRepeat was duplicated by the network: no stack's timer
// is that short.
const minRepeat = int64(200 * time.Millisecond)

// timedOut reports whether a SYN or SYN-ACK was sent again because its timer ran out.
func timedOut(ev *fsm.Event) bool {
	since := ev.Seg.At - ev.Was.At
	return since >= minRepeat && since <= detectors.MaxTimeout
}

// sentAgain reports whether a SYN or SYN-ACK was sent once more, of which repeats were counted
// before. Between two that were, there may be less than a timer: a SYN-ACK also answers a SYN.
// The same IPv4 identification shows that the network has duplicated it.
func sentAgain(ev *fsm.Event, repeats int) bool {
	same := ev.Seg.IPID != 0 && ev.Seg.IPID == ev.Was.IPID
	return timedOut(ev) || repeats > 0 && !same && ev.Seg.At-ev.Was.At < minRepeat
}

// moreTimes says how often something was repeated; more says that it had been before.
func moreTimes(n int, more bool) string {
	switch {
	case !more:
		return detectors.Times(n)
	case n == 1:
		return "once more"
	}
	return fmt.Sprintf("%d more times", n)
}

// again says how often, and until when, a SYN or SYN-ACK was repeated.
func again(n int, first, last *reassembly.Mark) string {
	if n == 0 {
		return ""
	}
	often := ""
	if n > 1 {
		often = detectors.Times(n) + ", the last time "
	}
	return fmt.Sprintf(", and again %s%s later (frame %d)", often, detectors.Span(last.At-first.At), last.Frame)
}
