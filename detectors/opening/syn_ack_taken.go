package opening

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What shows whether the server took the ACK of its SYN-ACK.

// echoesFirst reports whether the ACK echoes a timestamp from before the SYN-ACK was repeated: a client that had received only the repeat would
// echo that (RFC 7323 4.3).
func (w *synAckUnanswered) echoesFirst(ev fsm.Event, v fsm.View) bool {
	echo, is := detectors.Echo(v, ev.Seg)
	return w.stamped != 0 && is && echo != 0 && echo.Before(reassembly.Seq(w.stamped))
}

// acksUnsent reports whether the first ACK acknowledges more than the SYN-ACK, which is all that the server was seen to have sent. If the SYN-ACK
// comes again, there was no more, and no TCP accepts that ACK (RFC 9293 3.10.7.4).
func (w *synAckUnanswered) acksUnsent(r *detectors.Report) bool {
	server := w.client.Peer()
	out := r.Conn.Stream(server)
	return r.Conn.Bytes(server) == 0 && out.Knows(reassembly.KnowISS) && w.ack.Ack.After(out.ISS+1)
}

// unsentSentence is what is said then.
func (w *synAckUnanswered) unsentSentence(client string) string {
	m := fmt.Sprintf(". The ACK from %s (frame %d) acknowledges what was never sent, and no TCP accepts that (RFC 9293 3.10.7.4)", client, w.ack.Frame)
	if off := w.synAck.End().To(w.ack.Ack); bits.OnesCount32(uint32(off)) == 1 {
		m += fmt.Sprintf(". Its number is wrong by %d, a power of two, as where one bit was damaged before it was captured", uint32(off))
	}
	return m + "."
}

const (
	causeUnsent  = "Something damages what the client sends before it is captured (a cable, a network adapter, memory), and the server drops it for its checksum; or a device on the path changes its numbers, or it is an ACK of an older connection."
	actionUnsent = "Capture on the client. If the number is right there, look for what changes it on the way: other damaged segments and wrong checksums show a bad link."
)

// roleOfACK is what the ACK is called that was captured before the SYN-ACK came again.
func (w *synAckUnanswered) roleOfACK() string {
	switch {
	case w.beyond:
		return "acknowledges what was never sent"
	case w.recent:
		return "acknowledged before this"
	}
	return "acknowledged"
}

// acked names the frame of the ACK.
func (w *synAckUnanswered) acked() string {
	switch {
	case w.recent:
		return fmt.Sprintf("%s after it, before frame %d", detectors.Span(w.firstACK-w.synAck.At), w.ack.Frame)
	case w.again:
		return fmt.Sprintf("frame %d at the latest", w.ack.Frame)
	}
	return fmt.Sprintf("frame %d", w.ack.Frame)
}

// causeHeld and actionHeld are said where the first SYN-ACK arrived.
const (
	causeHeld  = "The path between the capture point and the client is slower than the timer of the SYN-ACK (1 s as a rule), or held up a packet, or lost the first ACK. The repeat was not needed to reach the client."
	actionHeld = "Compare with later round trips of this client: if they take as long, look for the queue or the link that delays them. If not, a single packet was lost or held up, and there is nothing to do."
)

// causeArrived and actionArrived are said where a repeat of the SYN-ACK echoes an ACK, and nothing shows what became of what followed.
const (
	causeArrived = "An ACK of the client arrived. What followed is lost between the capture point and the server (a filter, packets that are damaged or too large), and the server waits for data before it accepts (TCP_DEFER_ACCEPT); " +
		"or the server ignores it, because its accept queue is full (Linux with net.ipv4.tcp_abort_on_overflow=0). In both cases, the client believes that it is connected."
	actionArrived = "Capture on the server: does the data arrive? If it does: ss -ltn (Recv-Q above Send-Q), nstat TcpExtListenOverflows."
)

// shown reports whether something waited for the server to take the ACK: payload or a FIN of the client, to which it does not answer or
// which had to be sent again; or what a server says that speaks first. Else it may be one that waits for payload before it
// accepts (TCP_DEFER_ACCEPT), or it repeated its SYN-ACK before the ACK arrived.
func (w *synAckUnanswered) shown(r *detectors.Report) bool {
	if w.end.At == 0 {
		return w.ignored > 0 && w.inFlight(r) > 0
	}
	return w.greets || w.unread && w.needed
}

// promptly reports whether the server's first segment answers the ACK of its latest SYN-ACK: it comes a round trip behind it, and
// sooner than a server gives up that waits for data, and says so.
func (w *synAckUnanswered) promptly(r *detectors.Report) bool {
	took := w.end.At - w.answered
	return w.answered != 0 && (w.gap >= int64(time.Second) || w.beside(r)) && took >= w.travel(r)/2 && took <= w.travel(r)+int64(time.Second)
}

// answersResend reports whether the server's first segment answers what the client sent again, rather than the first of it, which
// had only been long on its way: it echoes that timestamp (RFC 7323 4.3), or comes a round trip behind it, which may have become
// half as long.
func (w *synAckUnanswered) answersResend(ev fsm.Event, r *detectors.Report) bool {
	if w.resent == 0 {
		return false
	}
	if ev.Seg.Opts.Has&reassembly.HasTimestamps != 0 && w.resentTS != 0 {
		return !reassembly.Seq(ev.Seg.Opts.TSEcr).Before(reassembly.Seq(w.resentTS))
	}
	return ev.Seg.At-w.resent >= w.travel(r)/2
}

// losslessAnswer is how soon a server answers, in nanoseconds, that is too near for anything to be lost
// between it and the tap.
const losslessAnswer = int64(time.Millisecond)

// beside reports whether nothing can be lost between the capture point and the server.
func (w *synAckUnanswered) beside(r *detectors.Report) bool {
	return w.travel(r) <= losslessAnswer
}

// got reports whether what the server did not heed reached it. An echo shows that of the ACK alone: data that the client sent
// must have been echoed, too, by a later repeat (Linux before 6.14 echoes whatever arrives in order, tcp_check_req()).
func (w *synAckUnanswered) got(r *detectors.Report) bool {
	if w.waitedForData() {
		return false
	}
	return w.beside(r) || w.arrived && w.ignored > 1 && !w.dataLost
}

// deferGap is how long after a SYN-ACK a single repeat, with an ACK in between and no
// data, need not mean a loss: the first timeouts are 1 s and 3 s, and a server that
// defers its accept repeats when its patience ends.
const deferGap = int64(4 * time.Second)

// mayDefer reports whether all that was seen is what a server may do that waits for
// data: one more SYN-ACK after an ACK. One that speaks first waits for none.
func (w *synAckUnanswered) mayDefer() bool {
	return w.ignored == 1 && w.repeats == 1 && w.synRepeats == 0 && !w.unread && !w.greets
}

// deferred reports whether it comes so long after the ACK that it is that.
func (w *synAckUnanswered) deferred() bool { return w.mayDefer() && w.waitedForData() }

// waitedForData reports whether the SYN-ACK came again only once, and so late that no timer had run for it: the server had taken
// the ACK, and waited for data (TCP_DEFER_ACCEPT), which it did not get or ignored.
func (w *synAckUnanswered) waitedForData() bool { return w.repeats == 1 && w.gap > deferGap }

// ignoresData reports whether data of the client should have arrived before a SYN-ACK that came so long after the
// client's last segment, and is not acknowledged: data that was sent again was sent at least a timeout before, which is
// longer than a round trip.
func (w *synAckUnanswered) ignoresData(since int64, r *detectors.Report) bool {
	return w.inFlight(r) > 0 && (since >= w.travel(r) || r.Conn.Retries(w.client) > 0)
}

func (w *synAckUnanswered) inFlight(r *detectors.Report) uint32 {
	out := r.Conn.Stream(w.client)
	return out.InFlight()
}

// travel is how long an ACK may take to reach the server. Of a second handshake, it is not
// known which SYN its first SYN-ACK answers, and of one whose SYN was not captured, not when it was sent.
func (w *synAckUnanswered) travel(r *detectors.Report) int64 {
	if took := w.synAck.At - r.Conn.First(); took > 0 && !w.second {
		return took
	}
	return int64(time.Second)
}
