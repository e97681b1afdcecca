package resets

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ForgedReset reports a RST that its receiver has to ignore, in a connection that
// continues. RFC 5961 3.2; RFC 9293 3.10.7.3, 3.10.7.4.
var ForgedReset = &detectors.Detector{
	Name: "forged-reset",
	Doc: detectors.Doc{
		Title: "a RST was ignored; the connection continued",
		What: "A RST with the source address of one side lies outside the window, or inside the window but not at the next sequence number, and " +
			"answers nothing; or it does not acknowledge the SYN that it would refuse. Both sides continue. A receiver that " +
			"follows RFC 5961 drops the RST or sends a challenge ACK.",
		Cause: "An attacker who cannot see the connection guesses its sequence numbers to end it (RFC 5961), or a middlebox that has lost track " +
			"of them tries to: a firewall that rewrites sequence numbers in one direction only, a filter behind an overloaded tap.",
		Action: "Compare the TTL and the link-layer address of the RST with those of the side whose address it has, then capture closer to " +
			"that side: if the RST does not appear there, it was made on the path. Update stacks that accept any RST in the window (RFC 5961).",
		NotThis: "A RST whose payload is acknowledged: a data segment that was damaged. A RST after the connection has ended, or one that answers an old or out-of-window segment: neither attacks the connection. " +
			"A RST with a doubtful sequence number that ends the connection. An acceptable RST whose sender continues anyway: " +
			"reset-cause, suspected-injection or late-ack.",
		Peers: "Wireshark colors the frame like any other RST, and continues the connection; Zeek and Ostermann's tcptrace end the connection there.",
		Refs:  []string{"RFC 5961 3.2", "RFC 9293 3.10.7.3", "RFC 9293 3.10.7.4"},
		Since: "0.2",
	},
	Outcomes:     []*detectors.Outcome{ignored},
	StartsOn:     fsm.On(fsm.ResetIgnored, fsm.ResetDoubted, fsm.SentOutOfWindow),
	SubscribesTo: fsm.On(fsm.ResetIgnored, fsm.ResetDoubted, fsm.SentOutOfWindow, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(forgedReset) },
}

var ignored = &detectors.Outcome{
	Name: "ignored", Severity: detectors.Warning, Fault: detectors.FaultPath, Needs: segmentOrigin, // it may have overtaken what its sender had sent before
	When: "a RST that is not acceptable, and its apparent sender continues; info if its IP ID is one of that sender's own, or the one that all of its segments have; undecided if neither that nor its TTL or IP ID shows who sent it",
}

// causeOwn is the cause where the IP ID of the RST fits the host.
const causeOwn = "The host whose address it has may have sent it: it, or a device in front of it that counts on, refused something that was not captured, or that came late, and accepted the next attempt. " +
	"Whoever forges a RST in its name must have seen or guessed its IP ID."

// actionOwn is the action then.
const actionOwn = "No action needed: the connection continued."

type forgedReset struct {
	first       reassembly.Mark    // the first RST that has to be ignored
	side        reassembly.Side    // in whose name it came
	states      [2]fsm.State       // before it
	outside     bool               // it lies outside the window
	old         bool               // it lies where its side had been before
	resets      int                // how many RSTs have to be ignored
	outOfWindow [2]reassembly.Mark // each side's last segment out of window
	challenge   reassembly.Mark    // the first challenge ACK after a RST
	challenges  int
	awaited     bool            // no other segment in that side's name has followed the last RST yet
	continued   reassembly.Mark // the first segment in that side's name that the RST did not overtake
	before      reassembly.Mark // that side's last segment before the first RST; At is 0 if there was none
	target      reassembly.Mark // the other side's
	reset       bool            // the connection was reset by an acceptable RST
}

func (w *forgedReset) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.SentOutOfWindow:
		w.outOfWindow[ev.Side] = reassembly.MarkOf(ev.Seg)
	case fsm.ResetDoubted:
		w.count(ev, r)
	case fsm.ResetIgnored:
		if ev.Class == fsm.Rst && !w.answersOutOfWindow(ev) {
			w.count(ev, r)
		}
	case fsm.ResetSent:
		w.reset = true
	case fsm.Sent:
		w.sent(ev, r)
	}
}

// count counts a RST and keeps the first.
func (w *forgedReset) count(ev fsm.Event, r *detectors.Report) {
	w.resets++
	w.awaited = true
	if w.first.At != 0 {
		return
	}
	w.first, w.side, w.states = reassembly.MarkOf(ev.Seg), ev.Side, r.Before
	if w.outside = ev.Kind == fsm.ResetIgnored; ev.Was != nil {
		w.before = *ev.Was
	}
	w.target = r.Conn.Last(ev.Side.Peer())
	out := r.Conn.Stream(ev.Side)
	_, scaleKnown := r.Conn.WindowScale(ev.Side)
	w.old = out.Below(ev.Seg.Seq) && out.Acceptable(ev.Seg.Seq, 0, r.Conn.Window(ev.Side.Peer()).Max, !scaleKnown)
}

// answersOutOfWindow reports whether the RST answers a segment that does not belong
// to the connection: that is no forgery (RFC 9293 3.10.7.1, figures 8 and 9).
func (w *forgedReset) answersOutOfWindow(ev fsm.Event) bool {
	rst, seg := reassembly.MarkOf(ev.Seg), &w.outOfWindow[ev.Side.Peer()]
	return seg.At != 0 && detectors.Answers(&rst, seg)
}

// overtaking is for how long after a RST a segment that the same side sent before it
// may still be captured: the 3 ms that Wireshark allows for reordering.
const overtaking = 3 * time.Millisecond

// sent looks in any segment for a sign that the connection continues.
func (w *forgedReset) sent(ev fsm.Event, r *detectors.Report) {
	if w.first.At == 0 || detectors.MayBeForged(ev) {
		return
	}
	if ev.Side != w.side {
		if w.first.Len > 0 && ev.Seg.Flags&reassembly.ACK != 0 && ev.Seg.Ack == w.first.Seq+reassembly.Seq(w.first.Len) {
			w.forget(r) // it was a data segment, of which the receiver took the payload: the bit was set on the way to the capture, or in it
			return
		}
		if w.awaited && ev.Class == fsm.ChallengeAck {
			if w.challenges == 0 {
				w.challenge = reassembly.MarkOf(ev.Seg)
			}
			w.challenges++
		}
		return
	}
	w.awaited = false
	if first := &w.first; first.IPID != 0 && ev.Seg.IPID != 0 && first.TTL == ev.Seg.TTL && first.IPID-ev.Seg.IPID-1 < idNear {
		w.forget(r) // it was sent before the RST, which is its host's own
		return
	}
	if !w.reset && w.continued.At == 0 && ev.Seg.At-w.first.At > int64(overtaking) {
		w.continued = reassembly.MarkOf(ev.Seg)
		w.report(ev.Seg.At, r)
	}
}

// ownCount is by how much the IP ID of a host may move on between its RST and its next segment here.
const ownCount = 16

// ownByID reports whether the RST lies where its side counts its IP IDs: before what continues, and
// behind what came before.
func (w *forgedReset) ownByID() bool {
	rst, next, prev := w.first.IPID, w.continued.IPID, w.before.IPID
	d := int(w.first.TTL) - int(w.continued.TTL)
	return rst != 0 && next != 0 && next != rst && next-rst <= ownCount && d >= -1 && d <= 1 &&
		(w.before.At == 0 || prev != 0 && prev != rst && rst-prev <= ownCount)
}

// sameDevice reports whether the RST has the IP ID, the TTL and the window of its side's segments before and after it: the device
// that made these, and numbers no packets, made it, too.
func (w *forgedReset) sameDevice() bool {
	is := func(m *reassembly.Mark) bool {
		return m.At != 0 && m.IPID == w.first.IPID && m.TTL == w.first.TTL && m.Window == w.first.Window
	}
	return w.first.IPID != 0 && w.first.Window != 0 && is(&w.before) && is(&w.continued)
}

// own reports whether the RST seems to be that of the host whose address it has.
func (w *forgedReset) own() bool { return w.ownByID() || w.sameDevice() }

// foreign says how the RST is marked as somebody else's: by its TTL, by an IP ID where its side counts on without it, or by the
// IP ID of the packet from which it was made; "" if it is not. A number that does not fit is no such mark: hosts answer segments of
// other connections of the same ports with it, such as a SYN-ACK that they did not ask for (RFC 9293 3.10.7.1, 3.10.7.3).
func (w *forgedReset) foreign(side, peer string) string {
	before, rst, next := &w.before, &w.first, &w.continued
	counts := before.IPID != 0 && rst.IPID != 0 && next.IPID-before.IPID-1 < ownCount
	switch {
	case (fsm.Habits{}).OtherTTL(next, rst) && (before.At == 0 || (fsm.Habits{}).OtherTTL(before, rst)):
		return fmt.Sprintf(" The RST has TTL %d, frame %d from %s has %d.", rst.TTL, next.Frame, side, next.TTL)
	case rst.IPID == w.target.IPID && rst.IPID >= firstCopied:
		return fmt.Sprintf(" The RST has the IP ID of frame %d from %s, %d: it was made from that packet.", w.target.Frame, peer, rst.IPID)
	case counts && rst.IPID-before.IPID+idNear >= smallStep:
		return fmt.Sprintf(" Its IP ID, %d, does not fit those of %s, %d in frame %d and %d in frame %d.", rst.IPID, side, before.IPID, before.Frame, next.IPID, next.Frame)
	}
	return ""
}

// firstCopied is the least IP ID by which a copy can be told: hosts that have just started count from 1.
const firstCopied = 256

// forget forgets the RST.
func (w *forgedReset) forget(r *detectors.Report) {
	r.Withdraw(w.first.File, w.first.Frame)
	*w = forgedReset{outOfWindow: w.outOfWindow, reset: w.reset}
}

func (w *forgedReset) End(e detectors.Ending, r *detectors.Report) {
	if w.continued.At != 0 || w.first.At != 0 && !w.reset && !detectors.Over(r.Conn) {
		w.report(max(e.At, w.first.At), r)
	}
}

func (w *forgedReset) report(at int64, r *detectors.Report) {
	evidence := []detectors.Evidence{r.Evidence("unacceptable RST", w.side, &w.first)}
	if w.challenges > 0 {
		evidence = append(evidence, r.Evidence("challenge ACK", w.side.Peer(), &w.challenge))
	}
	if w.continued.At != 0 {
		evidence = append(evidence, r.Evidence("the connection continues", w.side, &w.continued))
		at = w.continued.At
	}
	if w.sameDevice() {
		evidence = append(evidence, r.Evidence("has the IP ID, the TTL and the window of the RST, too", w.side, &w.before))
	}
	f := r.Find(ignored, w.side, at, evidence...)
	f.States, f.End = w.states, max(at, w.challenge.At)
	f.Roles = detectors.Roles("impersonated", w.side, "target")
	if w.own() { // nobody was
		f.Roles = detectors.Roles("resetter", w.side, "peer")
	}
	f.Measure("resets", w.resets)
	f.Measure("challenge_acks", w.challenges)
	f.Measure("ttl", int(w.first.TTL))
	f.Message = w.message(r.Name(w.side), r.Name(w.side.Peer()))
	if w.own() {
		f.Severity, f.Fault, f.Cause, f.Action = detectors.Info, detectors.FaultUnknown, causeOwn, actionOwn
		if w.sameDevice() {
			f.Message += fmt.Sprintf(" It has the IP ID, the TTL and the window of frames %d and %d: the same device sent all three.", w.before.Frame, w.continued.Frame)
		} else {
			f.Message += fmt.Sprintf(" Its IP ID, %d, comes right before that of frame %d, %d: %s may have sent it itself.", w.first.IPID, w.continued.Frame, w.continued.IPID, r.Name(w.side))
		}
	}
	switch foreign := w.foreign(r.Name(w.side), r.Name(w.side.Peer())); {
	case w.continued.At == 0 && w.challenges > 0:
		f.Undecide("no later segment from its apparent sender was captured: it may have sent the RST itself, and closed")
	case w.continued.At == 0:
		f.Undecide("no later segment from its apparent sender was captured: the connection may have ended there")
	case w.old:
		f.Undecide("its sequence number is one that its apparent sender had used before: it may answer a late segment, which this capture shows at another time or not at all")
	case w.own():
	case foreign != "":
		f.Message += foreign
	default:
		f.Undecide("nothing but its number speaks against the RST: its host may have sent it, in answer to a segment of another connection of these ports, or to one that was not captured")
	}
	r.Emit(f)
}

// message is about a RST in the name of side to peer.
func (w *forgedReset) message(side, peer string) string {
	flaw, authority := "", "RFC 5961 3.2"
	switch {
	case w.states[w.side.Peer()] == fsm.SynSent:
		flaw, authority = "acknowledges something other than the SYN that it would refuse", "RFC 9293 3.10.7.3"
		if !w.first.Flags.Has(reassembly.ACK) {
			flaw = "does not acknowledge the SYN that it would refuse"
		}
	case w.old:
		flaw = "lies below what " + peer + " had acknowledged"
	case w.outside:
		flaw = "lies outside the window"
	default:
		flaw = "lies inside the window, but not at the next sequence number"
	}
	m := fmt.Sprintf("A RST with the source address %s (frame %d) %s: %s must ignore it (%s).", side, w.first.Frame, flaw, peer, authority)
	if w.challenges > 0 {
		m += fmt.Sprintf(" %s sent a challenge ACK (frame %d).", peer, w.challenge.Frame)
	}
	if w.continued.At != 0 {
		m += fmt.Sprintf(" The connection continued: %s sent frame %d.", side, w.continued.Frame)
	}
	if w.resets > 1 {
		m += fmt.Sprintf(" There were %d such RSTs.", w.resets)
	}
	return m
}
