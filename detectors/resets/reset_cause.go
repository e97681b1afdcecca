// Package resets explains RSTs: what ended a connection, and what only tried to.
package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ResetCause says of the RST that ended a connection what it answers, in which state
// its sender was, and what that means. RFC 9293 3.10.7, 3.5.2; RFC 5961.
var ResetCause = &detectors.Detector{
	Name: "reset-cause",
	Doc: detectors.Doc{
		Title: "a connection was reset",
		What: "An acceptable RST ended the connection. The segment that it answers and its own form show who sent it and why: a RST without ACK " +
			"at the acknowledgment number of the segment before it comes from a host that does not have the connection (RFC 9293 3.10.7.1); a RST " +
			"with ACK at SND.NXT comes from a socket that was there and gave up.",
		Cause: "See the outcomes.",
		Action: "Look at the side that sent the RST, at the time of the RST: the log of its application, its socket statistics (`nstat -az` " +
			"on Linux: TcpExtTCPAbort*), and any device in front of it.",
		NotThis: "An ACK after both FINs that was answered with a RST: post-fin-ack-rst. A RST that ended the probing of a zero window: " +
			"zero-window-probe-loop. A RST that follows a timeout is reported with the timeout (dead-peer, fin-unanswered, " +
			"close-wait-leak, half-close-cut, syn-unanswered, syn-ack-unanswered). A RST that was ignored: forged-reset. Further RSTs " +
			"of one connection add nothing new: they are only counted.",
		Peers: "Wireshark colors each RST red (\"Connection reset (RST)\") and does not say what it answers; Zeek and Ostermann's tcptrace " +
			"count resets for each side.",
		Refs:  []string{"RFC 9293 3.10.7", "RFC 9293 3.5.2", "RFC 5961 3.2", "RFC 2525 2.17", "KB Q152474"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		&refused.Outcome, &aborted.Outcome, &unreadData.Outcome, &dataAfterClose.Outcome, &halfOpen.Outcome, &keepaliveRefused.Outcome,
		&stale.Outcome, &handshakeReset.Outcome, &lateAck.Outcome, &outOfWindow.Outcome, &idleDrop.Outcome, &suspectedInjection.Outcome, &unexplained.Outcome,
	},
	Params: []detectors.Param{
		{Name: "min-idle", Default: 60, Min: 1, Max: 86400, Unit: "s", Doc: "silence after which a middlebox may have forgotten the connection and sent the RST"},
	},
	StartsOn:     fsm.On(fsm.ResetSent, fsm.ResetDoubted, fsm.ResetIgnored, fsm.SentOutOfWindow, fsm.Overran, fsm.DataAfterIdle),
	SubscribesTo: fsm.On(fsm.ResetSent, fsm.ResetDoubted, fsm.ResetIgnored, fsm.SentOutOfWindow, fsm.Overran, fsm.Revived, fsm.StayedOpen, fsm.Sent, fsm.DataAfterIdle, fsm.ICMPError),
	Watch:        watchReset,
	YieldsTo:     []string{"post-fin-ack-rst", "zero-window-probe-loop", "dead-peer", "idle-blackhole", "mtu-blackhole", "fin-unanswered", "close-wait-leak", "half-close-cut", "early-reuse", "syn-unanswered", "syn-ack-unanswered"},
}

// watchReset declines a connection of which nothing but a RST was captured: what it
// ended is not known.
func watchReset(r *detectors.Report) detectors.Watcher {
	if r.Conn.Packets(reassembly.A)+r.Conn.Packets(reassembly.B) == 1 {
		return nil
	}
	return new(resetCause)
}

type resetCause struct {
	last     *resetCase // the RST that ended the connection, as far as is known
	other    *refusals  // nil if there was nothing of the kind, as nearly always; read it with others
	silences silences
	draft    *draft // nil if the finding is written
}

// refusals are RSTs that ended nothing, as far as is known, and segments that a peer refuses.
type refusals struct {
	pending [2]*resetCase      // each side's RST that is acceptable only if the connection ends with it
	doubted [2]reassembly.Mark // each side's latest RST that its peer must ignore or challenge
	ignored [2]burst           // each side's RSTs that its peer must ignore, since it last sent anything else
	outside [2]reassembly.Mark // each side's last segment, if that is out of window
	overran [2]overruns        // each side's latest segments beyond the window
	wrong   *resetCase         // a RST that answers such an ACK, in SYN_RECEIVED: it ends nothing, but the ACK was the only one
}

// others are the refusals, to be read only.
func (w *resetCause) others() *refusals {
	if w.other == nil {
		return &noRefusals
	}
	return w.other
}

var noRefusals refusals

// noteOther is the refusals, to be written.
func (w *resetCause) noteOther() *refusals {
	if w.other == nil {
		w.other = new(refusals)
	}
	return w.other
}

func (w *resetCause) Event(ev fsm.Event, r *detectors.Report) {
	w.silences.take(ev, r.Conn)
	switch ev.Kind {
	case fsm.ResetDoubted:
		o, c := w.noteOther(), newCase(ev, r)
		o.pending[ev.Side], o.doubted[ev.Side] = c, c.rst
	case fsm.ResetIgnored:
		if ev.Class == fsm.Rst {
			o := w.noteOther()
			o.doubted[ev.Side] = reassembly.MarkOf(ev.Seg)
			o.ignored[ev.Side].add(&o.doubted[ev.Side])
			w.misacked(ev, r)
		} else if w.other != nil { // a later segment of that side
			w.other.pending[ev.Side] = nil
		}
	case fsm.SentOutOfWindow:
		w.noteOther().outside[ev.Side] = reassembly.MarkOf(ev.Seg)
	case fsm.Overran:
		w.noteOther().overran[ev.Side].add(ev.Seg)
	case fsm.ResetSent:
		w.reset(ev, r)
	case fsm.Revived:
		if w.last != nil {
			w.last.revived = ev.Side == w.last.side
		}
	case fsm.StayedOpen:
		if w.last != nil && ev.Side != w.last.side && !w.last.letGo(ev.Seg) {
			n := w.last.note()
			n.stayedOpen, n.closesToo = reassembly.MarkOf(ev.Seg), r.Conn.Phase(ev.Side) >= fsm.PhaseFinSent
			w.report(r)
		}
	case fsm.Sent:
		if o := w.other; o != nil && ev.Class != fsm.Rst {
			o.ignored[ev.Side] = burst{}
			if ev.Class != fsm.OutOfWindow {
				o.outside[ev.Side] = reassembly.Mark{}
			}
		}
		if w.last != nil && w.last.follow(ev, r.Conn) {
			w.report(r)
		}
		w.shrink(r)
	}
}

// reset takes up an acceptable RST. One that follows a RST which ended the connection
// for one side only is a consequence of that.
func (w *resetCause) reset(ev fsm.Event, r *detectors.Report) {
	if w.last != nil && !w.last.survived {
		return
	}
	o := w.others()
	c := o.pending[ev.Side]
	if c != nil && c.rst.Frame == ev.Seg.Frame && c.rst.File == ev.Seg.File { // the connection ended with a RST that was in the window, out of place
		c.inWindow = true
	} else {
		c = newCase(ev, r)
		c.compare(o)
	}
	c.silences = w.silences
	w.finish(r)
	w.last = c
	if !w.sketch(ev, r) {
		w.report(r)
	}
}

// compare takes up what there was of refusals before the RST.
func (c *resetCase) compare(o *refusals) {
	side, peer := c.side, c.side.Peer()
	c.confirm(&o.doubted[side])
	c.endedBy(&o.doubted[side])
	c.follows(&o.ignored[side])
	c.misacked(&o.outside[side])
	c.drawnBy(&o.outside[peer])
	c.madeFrom(&o.overran[peer])
}

// misacked notes a RST that answers the ACK of something else than the SYN-ACK. The connection is as it was (RFC
// 9293 3.10.7.4), so that only its end shows whether a right ACK comes, too.
func (w *resetCause) misacked(ev fsm.Event, r *detectors.Report) {
	o := w.noteOther()
	if out := &o.outside[ev.Side.Peer()]; o.wrong == nil && out.At != 0 && r.Before[ev.Side] == fsm.SynReceived {
		if c := newCase(ev, r); c.answersOutOfWindow(out) {
			o.wrong = c
		}
	}
}

func (w *resetCause) End(_ detectors.Ending, r *detectors.Report) {
	w.finish(r)
	if wrong := w.others().wrong; wrong != nil && w.last == nil && r.Conn.Phase(wrong.side) == fsm.PhaseOpening {
		w.last = wrong
		w.report(r)
	}
	w.release()
}

// finish reports the finding that stands once more if more RSTs came since.
func (w *resetCause) finish(r *detectors.Report) {
	if w.last != nil && w.last.resets[0]+w.last.resets[1] > 1 {
		w.report(r)
	}
}
