package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ResetCause says of the RST that ended a connection what it answers, in which
// state its sender was, and what that means. RFC 9293 3.10.7, 3.5.2; RFC 5961.
var ResetCause = &detectors.Detector{
	Name: "reset-cause",
	Doc: detectors.Doc{
		Title: "a connection was reset",
		What: "A believable RST ended the connection. What it answers and how it is made tells who sent it and why: a bare RST at " +
			"the acknowledgment of the segment before it comes of a host that has no such connection (RFC 9293 3.10.7.1); RST " +
			"with ACK, at SND.NXT, of a socket that was there and gave up.",
		Cause: "See the outcomes.",
		Action: "Look at the side that sent the RST, at the time of the RST: its application's log, its socket statistics (`nstat -az` " +
			"on Linux: TcpExtTCPAbort*), and what stands in front of it.",
		NotThis: "An ACK after both FINs that drew a RST: post-fin-ack-rst. A RST that ended the probing of a closed window: " +
			"zero-window-probe-loop. A RST at the end of what a timeout had decided already is told there (dead-peer, fin-unanswered, " +
			"close-wait-leak, half-close-cut, syn-unanswered, syn-ack-unanswered). A RST that was not believed: forged-reset. A second and third RST " +
			"of one connection says nothing new: they are counted.",
		Peers: "Wireshark marks each RST red (\"Connection reset (RST)\") and does not say what it answers; Zeek and Ostermann's tcptrace " +
			"count resets by side.",
		Refs:  []string{"RFC 9293 3.10.7", "RFC 9293 3.5.2", "RFC 5961 3.2", "RFC 2525 2.17", "KB Q152474"},
		Since: "0.2",
	},
	Outcomes: resetOutcomes,
	Params: []detectors.Param{
		{Name: "min-idle", Default: 60, Min: 1, Max: 86400, Unit: "s", Doc: "silence after which a RST may be that of a middlebox which has forgotten the connection"},
	},
	StartsOn:     fsm.On(fsm.ResetSent, fsm.ResetDoubted, fsm.ResetIgnored),
	SubscribesTo: fsm.On(fsm.ResetSent, fsm.ResetDoubted, fsm.ResetIgnored, fsm.Revived, fsm.Sent),
	Watch:        watchReset,
	YieldsTo:     []string{"post-fin-ack-rst", "zero-window-probe-loop", "dead-peer", "idle-blackhole", "mtu-blackhole", "fin-unanswered", "close-wait-leak", "half-close-cut", "early-reuse", "syn-unanswered", "syn-ack-unanswered"},
}

// watchReset declines where the capture has nothing but RSTs: what they end is
// not in it.
func watchReset(r *detectors.Report) detectors.Watcher {
	if r.Old.Packets(reassembly.A)+r.Old.Packets(reassembly.B) == 1 {
		return nil
	}
	return new(resetCause)
}

type resetCause struct {
	pending [2]*resetCase      // each side's RST that is believed only if the connection ends with it
	doubted [2]reassembly.Mark // each side's latest RST that its peer must not believe as it is
	last    resetCase          // the RST that ended the connection, as far as is known
	told    bool
	goneOn  reassembly.Mark // the first segment in the name of its sender after it
	revived bool            // something came in the name of its sender after it
	alive   bool            // and the other side has spoken since, too: the RST did not end it
	resets  [2]int          // RSTs of each side
}

func (w *resetCause) Event(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.ResetDoubted:
		c := caseOf(ev, r)
		w.pending[side], w.doubted[side] = &c, c.rst
	case fsm.ResetIgnored:
		if ev.Class == fsm.Rst {
			w.doubted[side] = reassembly.MarkOf(ev.Seg)
		} else { // a later segment of that side
			w.pending[side] = nil
		}
	case fsm.ResetSent:
		w.reset(ev, r)
	case fsm.Revived:
		w.revived = w.told && side == w.last.y
	case fsm.Sent:
		switch {
		case w.revived && w.goneOn.At == 0 && side == w.last.y && provesLife(ev, r):
			w.goneOn = reassembly.MarkOf(ev.Seg)
			w.last.restarts = r.Old.Restarts(side, ev.Seg, &w.last.rst)
			w.tell(r)
		case ev.Class == fsm.Rst:
			w.resets[side]++
		case ev.Class == fsm.Syn && w.told && side != w.last.y:
			w.last.again = true
		case ev.Class != fsm.OutOfWindow && w.goneOn.At != 0 && side != w.last.y && !w.alive:
			w.alive = true
			w.tell(r)
		case w.told && side != w.last.y && w.last.arrive(ev, r):
			w.tell(r)
		}
	}
}

// provesLife says whether a segment can only be of somebody who still has the
// connection. An old one may be a duplicate from the network, or of the capture.
// So is what looks like a keep-alive once both sides have closed.
func provesLife(ev fsm.Event, r *detectors.Report) bool {
	m := reassembly.MarkOf(ev.Seg)
	closed := r.Old.Half(ev.Side).Phase == fsm.PhaseFinAcked && r.Old.Half(ev.Side.Peer()).Phase == fsm.PhaseFinAcked
	return ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst &&
		(!r.Old.Below(ev.Side, &m) || (ev.Class == fsm.KeepAlive || ev.Class == fsm.Probe) && !closed)
}

// reset takes a believable RST. One that follows a RST which ended the
// connection for one side only is a consequence of that.
func (w *resetCause) reset(ev fsm.Event, r *detectors.Report) {
	if w.told && !w.alive {
		return
	}
	c := caseOf(ev, r)
	c.confirms(&w.doubted[ev.Side])
	if p := w.pending[ev.Side]; p != nil && p.rst.Frame == ev.Seg.Frame && p.rst.File == ev.Seg.File { // the record ends with the doubtful one
		c = *p
		c.doubtful = true
	}
	w.finish(r)
	w.last, w.told, w.revived, w.alive, w.goneOn = c, true, false, false, reassembly.Mark{}
	w.resets = [2]int{}
	w.tell(r)
}

func (w *resetCause) End(_ detectors.Ending, r *detectors.Report) { w.finish(r) }

// finish tells the finding that stands once more, if more RSTs came since.
func (w *resetCause) finish(r *detectors.Report) {
	if w.told && w.resets[0]+w.resets[1] > 1 {
		w.tell(r)
	}
}

// tell reports the RST as things stand.
func (w *resetCause) tell(r *detectors.Report) {
	c := &w.last
	goesOn := w.goneOn.At != 0
	if c.refusal() { // its peer decides whether that is believed
		goesOn, c.taken = w.alive && !c.again, w.alive && c.again
	}
	outcome := c.outcome(goesOn, r)
	y, x := c.y, c.y.Peer()
	evidence := []detectors.Evidence{r.Evidence("RST", y, &c.rst)}
	if c.answers || c.near || c.last.Len > 0 {
		evidence = append(evidence, r.Evidence(c.role(), x, &c.last))
	}
	switch {
	case c.first.At != 0:
		evidence = append(evidence, r.Evidence("its first RST, not to be believed", y, &c.first))
	case c.prev.At != 0:
		role := "last of " + r.Name(y) + " before it"
		if c.prev.Flags.Has(reassembly.FIN) {
			role = "FIN of " + r.Name(y)
		}
		evidence = append(evidence, r.Evidence(role, y, &c.prev))
	}
	if c.arrived.At != 0 {
		evidence = append(evidence, r.Evidence("acknowledges what came before it", x, &c.arrived))
	}
	if w.goneOn.At != 0 {
		evidence = append(evidence, r.Evidence("and it goes on", y, &w.goneOn))
	}
	f := r.FindNamed(outcome, c.culprit(outcome), c.rst.At, evidence...)
	f.End = max(c.rst.At, w.goneOn.At)
	f.At = f.End
	f.States = c.before
	f.Roles = []detectors.Role{{Name: "resetter", Side: y}, {Name: "peer", Side: x}}
	f.Severity = c.severity(outcome, f.Severity)
	f.Measure("resets", max(w.resets[0]+w.resets[1], 1))
	if c.answers {
		f.Measure("answer_s", detectors.Seconds(c.rst.At-c.last.At))
	}
	f.Measure("idle_s", detectors.Seconds(c.idle))
	f.Measure("lost_bytes", int(c.lost))
	c.measure(outcome, &f)
	f.Message = c.message(outcome, w, r)
	c.doubt(outcome, &f, r)
	r.Emit(f)
}
