package path

import (
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// MTUBlackhole reports full segments that never arrive where smaller ones do: a
// path with a smaller MTU that drops what is too large, and does not say so to
// the sender. RFC 2923, RFC 4821.
var MTUBlackhole = &detectors.Detector{
	Name: "mtu-blackhole",
	Doc: detectors.Doc{
		Title: "large segments vanish, small ones arrive",
		What: "The handshake and small messages pass. A large segment is sent again and again and never acknowledged, while what is " +
			"smaller arrives: by SACK, a short segment behind it has been received, or the sender tries smaller pieces in the end and " +
			"they are acknowledged one after the other.",
		Cause: "Somewhere on the path the MTU is smaller (a tunnel, VPN, PPPoE, an overlay network), and the ICMP message that would tell the " +
			"sender (fragmentation needed, packet too big) is not sent, or is filtered (RFC 2923).",
		Action: "Let ICMP type 3 code 4 (IPv6: type 2) through to the sender, or clamp the MSS at the tunnel to what fits (iptables " +
			"--clamp-mss-to-pmtu, nft: tcp option maxseg size set rt mtu). On the sender, net.ipv4.tcp_mtu_probing=1 finds the size by itself " +
			"(RFC 4821). Test with: ping -M do -s 1472.",
		NotThis: "Loss or an outage that takes segments of any size: then a full one passes at last. Silence without any sign that smaller " +
			"segments arrive: dead-peer.",
		Peers: "Wireshark marks the resends and does not compare sizes.",
		Refs:  []string{"RFC 2923 2.1", "RFC 4821", "RFC 1191"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "stuck", Severity: detectors.Critical, When: "the large segment never arrived, to the end, though a smaller one behind it did"},
		{Name: "fell-back", Severity: detectors.Warning, When: "the sender tried smaller pieces in the end, and these were acknowledged"},
	},
	Params: []detectors.Param{
		{Name: "min-resends", Default: 3, Min: 1, Max: 1000, Unit: "", Doc: "resends of the large segment without success that make a finding"},
		{Name: "min-size", Default: 537, Min: 1, Max: 65535, Unit: "", Doc: "payload of a segment that counts as large; all paths carry 576-byte packets"},
		{Name: "patience", Default: 5, Min: 1, Max: 3600, Unit: "s", Doc: "time without success after the first resend, at least, for stuck; three RTO if that is longer"},
	},
	StartsOn:     fsm.On(fsm.HoleShown, fsm.DataResent),
	SubscribesTo: fsm.On(fsm.HoleShown, fsm.DataResent, fsm.DataSent, fsm.Advanced, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(mtuBlackhole) },

	YieldsTo: []string{"zero-window-probe-loop"},
}

// mtuBlackhole holds one account per direction, by the side that sends.
type mtuBlackhole struct{ sides [2]*tooLarge } // made once and used again

// tooLarge is a segment that does not arrive.
type tooLarge struct {
	vigil                  // of its resends; any word of the peer may come in between
	size   uint32          // payload of the smallest that did not arrive
	beyond reassembly.Mark // of the peer: something behind it arrived
	longer uint32          // the longest stretch of that
	spoke  reassembly.Mark // of the peer: it is there, though it acknowledges nothing new
	piece  reassembly.Mark // the first resend that was smaller
	probe  reassembly.Mark // a large segment, sent once, after smaller pieces had arrived
	told   bool            // that the sender fell back, anchored at anchor
	anchor reassembly.Mark
	doubt  uint32 // size of the segment, where that was told in doubt; 0: it was not
	old    int64  // since then: bytes acknowledged, less those sent or sent again
	passed bool   // large segments do arrive
}

func (w *mtuBlackhole) Event(ev fsm.Event, r *detectors.Report) {
	w.take(ev, r)
	if w.sides[0].idle() && w.sides[1].idle() {
		r.Subscribe(MTUBlackhole.StartsOn)
	} else {
		r.Subscribe(MTUBlackhole.SubscribesTo)
	}
}

// idle reports whether nothing but trouble to come would change the account.
func (a *tooLarge) idle() bool { return a == nil || a.n == 0 && a.beyond.At == 0 && !a.told }

func (w *mtuBlackhole) take(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.HoleShown:
		w.side(side).arrived(side, ev.Seg, r)
	case fsm.DataResent:
		w.side(side).again(ev, r)
	case fsm.DataSent:
		if a := w.sides[side]; a != nil && a.told {
			a.old -= int64(ev.Seg.Len)
			if ev.Seg.Len >= a.size && a.probe.At == 0 {
				a.probe = reassembly.MarkOf(ev.Seg)
			}
		}
	case fsm.Advanced:
		if a := w.sides[side]; a != nil {
			a.advanced(ev, r)
		}
	case fsm.ResetSent:
		if a := w.sides[side]; a != nil && a.n > 0 && !a.over() {
			a.rst = reassembly.MarkOf(ev.Seg)
			a.stuck(side, ev.Seg.At, r)
		}
	case fsm.Revived:
		for _, a := range w.sides {
			if a != nil && a.over() {
				r.Withdraw(a.first.File, a.first.Frame)
				a.rst = reassembly.Mark{}
			}
		}
	case fsm.Sent:
		if a := w.sides[side.Peer()]; a != nil && a.n > 0 && !a.over() && ev.Class != fsm.Rst && ev.Class != fsm.OutOfWindow && r.Old.AcksUna(side, ev.Seg) {
			a.spoke = reassembly.MarkOf(ev.Seg)
			a.arrived(side.Peer(), ev.Seg, r)
		}
	}
}

func (w *mtuBlackhole) side(side reassembly.Side) *tooLarge {
	if w.sides[side] == nil {
		w.sides[side] = new(tooLarge)
	}
	return w.sides[side]
}

// arrived takes what the peer says of the payload behind the hole.
func (a *tooLarge) arrived(side reassembly.Side, by *reassembly.Segment, r *detectors.Report) {
	if n := r.Old.Arrived(side, by); n > 0 {
		if a.beyond.At == 0 {
			a.beyond = reassembly.MarkOf(by)
		}
		a.longer = max(a.longer, n)
	}
}

// again takes a resend.
func (a *tooLarge) again(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	a.probe.At = 0
	a.old -= int64(m.Len)
	if m.Flags&reassembly.FIN != 0 || a.over() || a.passed {
		return
	}
	oldest := r.Old.Oldest(ev.Side, &m)
	if a.n == 0 {
		a.heard = r.Old.LastSent(ev.Side.Peer())
	}
	switch {
	case !oldest:
		a.repeat(&m)
	case a.resends > 0 && m.Len < a.size: // smaller pieces
		if a.piece.At == 0 {
			a.piece = m
		}
	case int(m.Len) >= int(r.Value("min-size")):
		if a.resends == 0 || m.Len < a.size {
			a.size = m.Len
		}
		a.piece.At = 0
		a.resend(&m, true)
		a.wake(ev.Side, m.At, r)
	default:
		a.repeat(&m)
	}
}

// advanced takes the peer's acknowledgment of something new: of the large
// segment as a whole, or of the first smaller piece.
func (a *tooLarge) advanced(ev fsm.Event, r *detectors.Report) {
	a.old += int64(ev.N)
	// So much was in flight behind it all the while, and arrived at its first attempt.
	behind := a.doubt > 0 && a.old >= int64(a.doubt)
	if behind || a.probe.At != 0 && r.Old.Acked(ev.Side, a.probe.End()) {
		a.passed = true // the sizes have nothing to do with it
		r.Withdraw(a.anchor.File, a.anchor.Frame)
	}
	if a.n > 0 && !a.over() {
		r.Withdraw(a.first.File, a.first.Frame)
		enough := a.resends >= int(r.Value("min-resends"))
		if enough && !a.passed && !a.told && a.piece.At != 0 && ev.N < a.size && a.longer < a.size {
			a.fellBack(ev.Side, ev.Seg, r)
		}
	}
	if a.n == 0 && a.beyond.At == 0 {
		return
	}
	keep := *a
	*a = tooLarge{told: keep.told, anchor: keep.anchor, passed: keep.passed, size: keep.size, probe: keep.probe, doubt: keep.doubt, old: keep.old}
}

// provenStuck reports whether resends enough have failed although something
// smaller arrived behind, and when that is proven.
func (a *tooLarge) provenStuck(side reassembly.Side, r *detectors.Report) (at int64, enough bool) {
	if a.n == 0 || a.passed || a.resends < int(r.Value("min-resends")) || a.longer == 0 || a.longer >= a.size {
		return 0, false
	}
	return a.provenAt(time.Duration(r.Nanos("patience")), r.Old.RTO(side), false), true
}

func (a *tooLarge) wake(side reassembly.Side, now int64, r *detectors.Report) {
	if at, enough := a.provenStuck(side, r); enough && at > now {
		r.WakeAt(at)
	}
}

// Due tells what is stuck.
func (w *mtuBlackhole) Due(now int64, r *detectors.Report) {
	for side, a := range w.sides {
		if a == nil || a.over() {
			continue
		}
		if at, enough := a.provenStuck(reassembly.Side(side), r); enough && now >= at {
			a.stuck(reassembly.Side(side), now, r)
		} else if enough {
			r.WakeAt(at)
		}
	}
}

func (w *mtuBlackhole) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a != nil && !a.over() {
			a.replaced = e.Why == detectors.Replaced
			a.stuck(reassembly.Side(side), e.At, r)
		}
	}
}

// stuck tells of a segment that has not arrived, as of trace time now.
func (a *tooLarge) stuck(side reassembly.Side, now int64, r *detectors.Report) {
	proven, enough := a.provenStuck(side, r)
	if !enough {
		return
	}
	v := a.vigil
	if detectors.SameFrame(&v.heard, &a.beyond) {
		v.heard.At = 0
	}
	evidence := slices.Insert(v.evidence(side, r), 1, r.Evidence("something smaller behind it has arrived", side.Peer(), &a.beyond))
	f := a.finding("stuck", side, now, evidence, r)
	f.Message = fmt.Sprintf("%s sent a segment of %d bytes again %d times in %s (frames %d to %d), and it never arrived; %d bytes behind it did "+
		"(SACK, frame %d). Large packets do not pass from %s to %s, and nothing tells %s so.", r.Name(side), a.size, a.resends,
		detectors.Span(a.last().At-a.first.At), a.first.Frame, a.last().Frame, a.longer, a.beyond.Frame, r.Name(side), r.Name(side.Peer()), r.Name(side))
	f.Measure("ending", a.ending(now, r.Old.LastSent(side).At))
	if now < proven && !a.over() && !a.replaced {
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(proven-now)))
	} else {
		r.Absence(&f, a.first.At)
	}
	r.Emit(f)
}

// fellBack tells of smaller pieces that arrived.
func (a *tooLarge) fellBack(side reassembly.Side, ack *reassembly.Segment, r *detectors.Report) {
	a.told, a.anchor, a.old = true, a.first, 0
	evidence := append(a.evidence(side, r), r.Evidence("sent again in smaller pieces", side, &a.piece), detectors.Evidence{Role: "acknowledged at once", Seg: *ack})
	f := a.finding("fell-back", side, ack.At, evidence, r)
	f.Measure("piece", int(a.piece.Len))
	f.Message = fmt.Sprintf("%s sent a segment of %d bytes again %d times in %s (frames %d to %d), and it never arrived; then it tried %d bytes "+
		"(frame %d), and these were acknowledged (frame %d). Large packets do not pass from %s to %s, and nothing tells %s so: each "+
		"connection loses this time anew.", r.Name(side), a.size, a.resends, detectors.Span(a.last().At-a.first.At), a.first.Frame, a.last().Frame, a.piece.Len,
		a.piece.Frame, ack.Frame, r.Name(side), r.Name(side.Peer()), r.Name(side))
	if a.beyond.At == 0 && a.spoke.At == 0 {
		a.doubt = a.size
		f.Undecide("nothing was heard of the peer meanwhile: an outage that ended just then would look the same")
	}
	r.Emit(f)
}

func (a *tooLarge) finding(outcome string, side reassembly.Side, at int64, evidence []detectors.Evidence, r *detectors.Report) detectors.Finding {
	f := r.FindNamed(outcome, side.Peer(), at, evidence...)
	f.End = at
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	f.Measure("size", int(a.size))
	f.Measure("arrived", int(a.longer))
	f.Measure("resends", a.resends)
	f.Measure("lost_s", detectors.Seconds(at-a.first.At))
	return f
}
