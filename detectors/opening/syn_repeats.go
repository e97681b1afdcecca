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
// before. Between two that were, there may be less than a timer: a SYN-ACK also answers a SYN; asked says that one came since.
// The same IPv4 identification shows that the network has duplicated it. Without one, it has if nothing asked for what comes at once, unless
// the TTL says that it is no copy: it was held up with the first.
func sentAgain(ev *fsm.Event, repeats int, asked bool) bool {
	return timedOut(ev) || repeats > 0 && isSoon(ev, asked)
}

// isSoon reports whether a SYN or SYN-ACK was sent once more, though not by a timer.
func isSoon(ev *fsm.Event, asked bool) bool {
	atOnce := ev.Seg.At-ev.Was.At <= int64(fsm.DuplicateTime)
	same := ev.Seg.IPID == ev.Was.IPID && (ev.Seg.IPID != 0 || atOnce && !asked && fsm.MayFollow(ev.Was.TTL, ev.Seg.TTL))
	return !same && ev.Seg.At-ev.Was.At < minRepeat
}

// repeated reports whether anything was sent again.
func (w *synAckUnanswered) repeated() bool { return w.repeats+w.synRepeats > 0 }

// often is how often the SYN-ACK was repeated, by its timer or not; what comes sooner than a timer shows nothing by itself.
func (w *synAckUnanswered) often() int {
	if w.repeats == 0 {
		return 0
	}
	return w.repeats + w.soonAcks
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

// orMore is said of numbers of repeats that a program makes: what may be copies of the network or the capture is not counted.
func (w *synAckUnanswered) orMore() string {
	if !w.tooMany() {
		return ""
	}
	return "at least "
}

// again says how often, and until when, a SYN or SYN-ACK was repeated; least comes before the number.
func again(n int, first, last *reassembly.Mark, least string) string {
	if n == 0 {
		return ""
	}
	often := ""
	if n > 1 {
		often = least + detectors.Times(n) + ", the last time "
	}
	return fmt.Sprintf(", and again %s%s later (frame %d)", often, detectors.Span(last.At-first.At), last.Frame)
}

// repeatedBy is how many repeats of the client's SYN are known with this one. What may be the network's copy of the one before
// counts once there are more of them than any TCP sends: a program that writes its own headers gives all of them one
// identification. Each turn of a routing loop lowers the TTL.
func (w *synAckUnanswered) repeatedBy(ev *fsm.Event) int {
	switch {
	case sentAgain(ev, w.synRepeats, false):
		n := 1 + w.soon
		w.soon = 0
		return n
	case isSoon(ev, false):
		w.soon++
		return 0
	case ev.Seg.IPID == 0 || ev.Seg.IPID != ev.Was.IPID || ev.Seg.TTL != ev.Was.TTL:
		return 0
	case w.tooMany():
		return 1
	}
	if w.copies++; w.copies <= mostSYNs {
		return 0
	}
	n := w.copies
	w.copies = 0
	return n
}

// mostSYNs is how often a TCP sends a SYN again, at most: macOS does 11 times, Linux 6 times
// (net.ipv4.tcp_syn_retries), or 10 with tcp_syn_linear_timeouts, Windows fewer.
const mostSYNs = 16

// tooMany reports whether a program makes the SYNs itself: the SYN-ACKs reach a kernel that knows
// nothing of a connection.
func (w *synAckUnanswered) tooMany() bool { return w.synRepeats > mostSYNs }
