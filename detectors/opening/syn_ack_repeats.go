package opening

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is counted of a handshake that stalls after the SYN-ACK.

type synAckUnanswered struct {
	due        [1]detectors.Deadline // an answer to the latest SYN-ACK; another repeat asks again, for another outcome
	client     reassembly.Side
	synAck     reassembly.Mark // the first; its At is 0 if nothing was sent again
	last       reassembly.Mark // the latest SYN-ACK, if it was repeated
	syn        reassembly.Mark // the client's latest SYN since, if it was repeated
	ack        reassembly.Mark // of the SYN-ACK: the first, or what was known of it
	again      bool            // that may not be the first ACK
	recent     bool            // nor was it ignored: it was on its way
	beyond     bool            // it acknowledges more than the server had sent, as far as was captured
	firstACK   int64           // when the first ACK was sent, as far as it is known
	answered   int64           // when the client first sent anything since the latest SYN-ACK, or 0
	end        reassembly.Mark // the server's first segment after the handshake
	rst        reassembly.Mark // with which the server gave up
	left       reassembly.Mark // the client's RST behind its ACK: it waits no longer
	resent     int64           // when the client first sent payload or its FIN again; or 0
	resentTS   uint32          // its timestamp, or 0
	repeats    int             // of the SYN-ACK
	synRepeats int             // since the SYN-ACK
	synMore    bool            // it was repeated before, too
	soon       int             // SYNs sent again within less than a timer: they count with the next
	soonAcks   int             // the same of SYN-ACKs, before the first repeat
	copies     int             // SYNs that may be the network's copies of the one before
	ignored    int             // SYN-ACKs repeated after an ACK that should have arrived
	second     bool            // it is of the SYN-ACK with another ISN, of which the first captured is not known
	other      bool            // the client acknowledged another SYN-ACK in the end, with another ISN
	unread     bool            // when one of these was sent, data of the client was unacknowledged
	gap        int64           // from the SYN-ACK to the first of these
	echo       uint32          // TSecr of the last of these
	greets     bool            // end has payload, the client has sent none, and it comes as of a server that speaks first
	needed     bool            // end answers what the client had to send again
	stamped    uint32          // TSval of the first repeat of the SYN-ACK, or 0
	got1st     bool            // the ACK echoes less than that: the first SYN-ACK arrived
	arrived    bool            // they echo what the client sent after its SYN: that arrived
	stamp      uint32          // TSval of the client's latest data since these began, if it has been on its way since stampAt
	stampAt    int64
	dataLost   bool     // one of these echoes less than that, which should have arrived
	drafted    *account // what is reported and not written yet; nil if all is
	reported   *detectors.Outcome
	reportedAt int64
	finished   bool
}

func (w *synAckUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	w.process(ev, r)
	if w.finished { // and only if the server did not give up after all, it begins again
		r.Subscribe(fsm.On(fsm.Revived))
	} else {
		r.Subscribe(SYNAckUnanswered.SubscribesTo)
	}
}

func (w *synAckUnanswered) process(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.SynResent, fsm.Revived: // after others that change what was drafted, it is reported again
		w.complete(r)
	}
	switch {
	case ev.Kind == fsm.Revived && w.left.At != 0:
		w.left = reassembly.Mark{}
	case ev.Kind == fsm.Revived && w.rst.At != 0: // it did not give up
		w.rst, w.finished = reassembly.Mark{}, false
		w.report(w.reported, w.reportedAt, ev.Seg.At, r)
	case w.finished:
	case ev.Kind == fsm.SynResent && ev.Side == w.client:
		w.synAgain(ev, r)
	case ev.Kind == fsm.SynResent:
		w.synAckAgain(ev, r)
	case ev.Kind == fsm.SynAcked && ev.Side != w.client:
		w.ack, w.firstACK = reassembly.MarkOf(ev.Seg), ev.Seg.At
		w.beyond = w.acksUnsent(r)
		w.got1st = w.echoesFirst(ev, r.Conn)
		if w.other = w.another(r); w.other && w.synRepeats == 0 || w.crossed() {
			w.drop(r)
		} else if w.repeated() {
			w.report(synAckRecovered, ev.Seg.At, ev.Seg.At, r)
		}
		if w.other && !w.finished { // what is sent again from now on is the other
			w.complete(r)
			*w = synAckUnanswered{client: w.client, ack: w.ack, firstACK: w.firstACK, second: true}
		}
	case ev.Kind == fsm.ResetSent && ev.Side == w.client && w.ack.At == 0: // an answer, after all
		w.drop(r)
	case ev.Kind == fsm.ResetSent && ev.Side == w.client:
		w.left = reassembly.MarkOf(ev.Seg)
	case ev.Kind == fsm.ResetSent: // the server gives up
		w.finished = true
		if w.reported != nil && w.reported != synAckRecovered {
			w.rst = reassembly.MarkOf(ev.Seg)
			w.report(w.reported, w.reportedAt, ev.Seg.At, r)
		}
	case ev.Kind == fsm.Sent && ev.Side != w.client && ev.Class != fsm.Syn && !detectors.MayBeForged(ev):
		w.established(ev, r)
	case (ev.Kind == fsm.DataResent || ev.Kind == fsm.FinResent) && ev.Side == w.client:
		if w.resent == 0 {
			w.resent, w.resentTS = ev.Seg.At, ev.Seg.Opts.TSVal
		}
	case ev.Kind == fsm.Sent && ev.Side == w.client && r.Conn.Phase(w.client.Peer()) != fsm.PhaseOpening:
		if w.answered == 0 {
			w.answered = ev.Seg.At
		}
		if ev.Seg.Len > 0 && ev.Seg.Opts.Has&reassembly.HasTimestamps != 0 {
			w.stamp, w.stampAt = ev.Seg.Opts.TSVal, ev.Seg.At
		}
	}
}

// another reports whether what was acknowledged is another SYN-ACK than the first, with
// another ISN: its sender forgot the first, or never remembers any (RFC 4987 3.6), or
// another host answered. Nothing acknowledges the first then; and unless the client was
// seen to ask again, nothing shows that it waited.
func (w *synAckUnanswered) another(r *detectors.Report) bool {
	out := r.Conn.Stream(w.client.Peer())
	return w.synAck.At != 0 && out.Knows(reassembly.KnowISS) && out.ISS != w.synAck.Seq
}

// crossed reports whether the SYN-ACK, sent once, was acknowledged sooner than any timer
// lets a SYN be repeated: the client's repeated SYN was on its way already.
func (w *synAckUnanswered) crossed() bool {
	return w.repeats == 0 && w.synRepeats > 0 && w.ack.At-w.synAck.At < int64(time.Second)
}

// drop ends the watch: the SYN-ACK was answered.
func (w *synAckUnanswered) drop(r *detectors.Report) {
	w.finished, w.drafted = true, nil
	if w.reported != nil {
		r.Withdraw(w.synAck.File, w.synAck.Frame)
	}
}

// synAgain notes the client's SYN, sent again though a SYN-ACK was seen.
func (w *synAckUnanswered) synAgain(ev fsm.Event, r *detectors.Report) {
	server := w.client.Peer()
	answer := w.synAck
	if answer.At == 0 {
		answer = r.Conn.Last(server)
	}
	switch {
	case ev.Seg.Flags&reassembly.ACK != 0: // both open at the same time
		w.finished = true
	case !answer.Flags.Has(reassembly.SYN | reassembly.ACK): // a SYN, which crossed the client's, or a RST
	case r.Conn.Phase(server) == fsm.PhaseOpening:
		n := w.repeatedBy(&ev)
		if n == 0 {
			return
		}
		w.synAck = answer
		if w.synRepeats == 0 {
			w.synMore = int(r.Conn.Packets(w.client)) > 1+n+w.copies
		}
		w.synRepeats += n
		w.syn = reassembly.MarkOf(ev.Seg)
		w.due[0].Arm(ev.Seg.At, r)
	}
}

// synAckAgain notes the server's SYN-ACK, sent again.
func (w *synAckUnanswered) synAckAgain(ev fsm.Event, r *detectors.Report) {
	if !ev.Was.Flags.Has(reassembly.SYN | reassembly.ACK) {
		return
	}
	if ev.Was.Seq != ev.Seg.Seq { // of another handshake: this is the first of this one that is known
		if w.synAck.At == 0 {
			w.synAck = reassembly.MarkOf(ev.Seg)
		}
		return
	}
	latest := r.Conn.Last(w.client)
	if latest.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN && r.Conn.Phase(w.client.Peer()) != fsm.PhaseOpening {
		return // it answers that SYN: no timer expired
	}
	if w.synAck.At == 0 {
		w.synAck = *ev.Was
	}
	if asked := latest.At >= ev.Was.At || r.Conn.Packets(w.client) >= r.Conn.Packets(w.client.Peer()); !sentAgain(&ev, w.repeats, asked) {
		if isSoon(&ev, asked) && r.Conn.Phase(w.client.Peer()) == fsm.PhaseOpening {
			w.soonAcks++
		}
		return
	}
	if latest.Flags.Has(reassembly.RST) { // an answer, too, and no acknowledgment
		w.drop(r)
		return
	}
	if r.Conn.Phase(w.client.Peer()) != fsm.PhaseOpening {
		if w.ack.At == 0 {
			w.ack, w.again = latest, r.Conn.Packets(w.client) > 2
			w.beyond = !w.again && w.acksUnsent(r)
			if w.firstACK = latest.At; r.Conn.HandshakeRTT(w.client) != 0 {
				w.firstACK = w.synAck.At + int64(r.Conn.HandshakeRTT(w.client))
			}
			w.answered, w.recent = w.firstACK, w.again && ev.Seg.At-latest.At < w.travel(r)
		}
		answered := w.answered
		w.answered = 0
		if w.resent == 0 && r.Conn.Retries(w.client) > 0 {
			w.resent = latest.At
		}
		// It may have left before the ACK arrived, which takes as long as the SYN took to be answered, at most.
		if ev.Seg.At-w.firstACK < w.travel(r) {
			return
		}
		// One lost ACK is ignored once: the client answers each SYN-ACK that reaches it
		// (RFC 9293 3.10.7.4). What it sends again at the same time (two timers in one tick) is not the
		// answer.
		if answered != 0 && ev.Seg.At-answered >= w.travel(r) {
			if w.ignored++; w.ignored == 1 {
				w.gap = ev.Seg.At - w.synAck.At
			} else if w.echo != 0 && reassembly.Seq(w.echo).Before(reassembly.Seq(ev.Seg.Opts.TSEcr)) {
				w.arrived = true
			}
			w.unread = w.unread || w.ignoresData(ev.Seg.At-latest.At, r)
			w.echo = ev.Seg.Opts.TSEcr
			w.dataLost = w.stampAt != 0 && ev.Seg.At-w.stampAt >= w.travel(r) && reassembly.Seq(w.echo).Before(reassembly.Seq(w.stamp))
			w.arrived = w.arrived || ev.N > 0
		}
	}
	if w.repeats++; w.repeats == 1 {
		w.stamped = ev.Seg.Opts.TSVal
	}
	w.last = reassembly.MarkOf(ev.Seg)
	if w.ignored >= 2 {
		w.report(w.notHeeded(r), ev.Seg.At, ev.Seg.At, r)
	}
	w.due[0].Arm(ev.Seg.At, r)
}

// established notes the server's first segment after the handshake.
func (w *synAckUnanswered) established(ev fsm.Event, r *detectors.Report) {
	w.finished = true
	switch {
	case !w.repeated():
		return
	case w.ack.At == 0: // there was an ACK that the capture lacks
		w.drop(r)
		return
	}
	w.end = reassembly.MarkOf(ev.Seg)
	w.greets, w.needed = ev.Seg.Len > 0 && r.Conn.Bytes(w.client) == 0 && w.promptly(r), w.answersResend(ev, r)
	switch {
	case w.reported == synAckQueueFull && w.got(r) && w.shown(r):
		w.report(synAckQueueFull, ev.Seg.At, ev.Seg.At, r)
	case w.reported != nil || !w.deferred():
		w.report(synAckRecovered, ev.Seg.At, ev.Seg.At, r)
	}
}

func (w *synAckUnanswered) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when an answer to the latest SYN-ACK is overdue.
func (w *synAckUnanswered) Limit(_ int, r *detectors.Report) int64 {
	return max(w.last.At, w.syn.At) + r.Nanos("patience")
}

func (w *synAckUnanswered) Overdue(_ int, o detectors.Overdue, r *detectors.Report) {
	outcome, at := w.outcome(r), o.At
	if o.Ended {
		at = o.Now
	}
	switch {
	case w.finished, outcome == nil:
	case outcome != w.reported:
		w.report(outcome, at, o.Now, r)
	case o.Ended:
		w.report(outcome, w.reportedAt, o.Now, r)
	}
}

func (w *synAckUnanswered) End(_ detectors.Ending, r *detectors.Report) { w.complete(r) }

// outcome is how things stand once an answer is overdue; nil if nothing is wrong.
func (w *synAckUnanswered) outcome(r *detectors.Report) *detectors.Outcome {
	switch {
	case w.ignored >= 2, w.ignored > 0 && w.inFlight(r) > 0:
		return w.notHeeded(r)
	case w.deferred():
		return nil
	case w.ack.At != 0:
		return synAckRecovered
	case w.tooMany():
		return synAckNoACK
	case w.synRepeats >= 2 && w.repeats == 0:
		return synAckNotRepeated
	case w.synRepeats > 0:
		return synAckSYNRepeated
	}
	return synAckNoACK
}
