package path

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// MTUBlackhole reports full-size segments that never arrive where smaller ones do: a
// path with a smaller MTU drops what is too large, and does not tell the sender, or tells
// it in vain. RFC 2923, RFC 4821.
var MTUBlackhole = &detectors.Detector{
	Name:  "mtu-blackhole",
	Needs: fsm.SeqUnknown, // an ICMP error may quote what was never sent
	Doc: detectors.Doc{
		Title: "large segments are lost, small ones arrive",
		What: "The handshake and small messages get through. A large segment is retransmitted many times and never acknowledged, while " +
			"smaller ones arrive: SACK shows that a short segment behind it was received, or the sender finally tries smaller pieces and " +
			"they are acknowledged one after the other.",
		Cause: "Somewhere on the path the MTU is smaller (a tunnel, VPN, PPPoE, an overlay network), and the ICMP message that should tell the " +
			"sender (fragmentation needed, packet too big) is not sent, or is filtered (RFC 2923).",
		Action: "Let ICMP type 3 code 4 (IPv6: type 2) through to the sender, or clamp the MSS at the tunnel to what fits (iptables " +
			"--clamp-mss-to-pmtu, nft: tcp option maxseg size set rt mtu). On the sender, net.ipv4.tcp_mtu_probing=1 finds the size by itself " +
			"(RFC 4821). Test with: ping -M do -s 1472.",
		NotThis: "Loss or an outage that hits segments of any size: then a full-size one gets through in the end. Silence without any sign that smaller " +
			"segments arrive: see dead-peer. A sender that is told by ICMP, obeys, and gets through: that is path MTU discovery at work.",
		Peers: "Wireshark marks the retransmissions and does not compare sizes.",
		Refs:  []string{"RFC 2923 2.1", "RFC 4821", "RFC 1191", "RFC 8201", "RFC 5927 7"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{mtuStuck, mtuNotObeyed, mtuStillTooLarge, mtuFellBack},
	Params: []detectors.Param{
		{Name: "min-resends", Default: 3, Min: 1, Max: 1000, Unit: "", Doc: "minimum number of retransmissions of the large segment without success for a finding"},
		{Name: "min-size", Default: 537, Min: 1, Max: 65535, Unit: "", Doc: "minimum payload of a segment that counts as large; all paths carry 576-byte packets"},
		{Name: "patience", Default: 5, Min: 1, Max: 3600, Unit: "s", Doc: "minimum time without success after the first retransmission, for stuck; three RTOs if that is longer"},
	},
	StartsOn:     fsm.On(fsm.HoleShown, fsm.DataResent, fsm.ICMPError),
	SubscribesTo: fsm.On(fsm.HoleShown, fsm.DataResent, fsm.DataSent, fsm.Advanced, fsm.ResetSent, fsm.Revived, fsm.Sent, fsm.ICMPError),
	Watch:        func(*detectors.Report) detectors.Watcher { return mtuBlackholes.Take() },

	YieldsTo: []string{"zero-window-probe-loop"},
}

var (
	mtuStuck     = &detectors.Outcome{Name: "stuck", Severity: detectors.Critical, Fault: detectors.FaultPath, When: "the large segment never arrived, though a smaller one behind it did"}
	mtuNotObeyed = &detectors.Outcome{Name: "not-obeyed", Severity: detectors.Critical, Fault: detectors.FaultSuspected, When: "ICMP told the sender the MTU, and it kept sending larger packets",
		Cause: "The sender's TCP ignores the ICMP messages, or a firewall drops them between the capture point and the sender's TCP: " +
			"on its host, or in front of it. The path itself is not to blame: it told the sender what to do.",
		Action: "On the sender, let ICMP type 3 code 4 (IPv6: type 2) in, also through its own firewall, and do not turn path MTU discovery off or let an " +
			"application set the don't-fragment bit by itself. Linux: nstat TcpExtOutOfWindowIcmps, IcmpInDestUnreachs; ip route get ADDRESS shows the MTU that it learned."}
	mtuStillTooLarge = &detectors.Outcome{Name: "still-too-large", Severity: detectors.Critical, Fault: detectors.FaultPath, When: "the sender obeyed the MTU that ICMP told it, and packets of that size did not arrive either",
		Cause: "There is a second link with a smaller MTU behind the one that reported, and nobody reports that; or the MTU that was told is wrong: " +
			"a tunnel that does not count its own header."}
	mtuFellBack = &detectors.Outcome{Name: "fell-back", Severity: detectors.Warning, Fault: detectors.FaultPath, When: "the sender finally tried smaller pieces, and these were acknowledged"}
)

// mtuBlackhole holds one account per direction, by the side that sends.
type mtuBlackhole struct {
	due   [2]detectors.Deadline // an acknowledgment of the large segment, once it was sent again often enough
	sides [2]*oversizeLoss      // nil as long as there is nothing to know
}

func (w *mtuBlackhole) Event(ev fsm.Event, r *detectors.Report) {
	w.process(ev, r)
	if ev.Kind == fsm.Sent { // it is of interest only after a retransmission, and changes nothing about that
		return
	}
	aOfA, bOfA := w.sides[reassembly.A].follows()
	bOfB, aOfB := w.sides[reassembly.B].follows()
	for side, a := range w.sides {
		if a != nil && a.idle() {
			oversizeLosses.Give(a)
			w.sides[side] = nil
		}
	}
	r.SubscribeSides(MTUBlackhole.StartsOn|aOfA|aOfB, MTUBlackhole.StartsOn|bOfB|bOfA)
}

// mtuBlackholes are those that have left.
var mtuBlackholes detectors.Spare[mtuBlackhole]

// Idle implements [detectors.Leaver].
func (w *mtuBlackhole) Idle(*detectors.Report) bool {
	return w.sides == [2]*oversizeLoss{} && !detectors.AnyArmed(w.due[:])
}

// Leave implements [detectors.Leaver].
func (w *mtuBlackhole) Leave() { mtuBlackholes.Give(w) }

func (w *mtuBlackhole) process(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.HoleShown:
		w.side(side).arrived(side, ev.Seg, r)
		w.wait(side, r)
	case fsm.ICMPError:
		if tooBig(ev.Seg, r.Conn) {
			w.side(side).tell(ev.Seg)
			w.wait(side, r)
		}
	case fsm.DataResent:
		w.obey(ev, r)
		w.side(side).again(ev, r)
		w.wait(side, r)
	case fsm.DataSent:
		if a := w.sides[side]; a != nil && a.fell {
			a.acknowledged -= int64(ev.Seg.Len)
			if ev.Seg.Len >= a.failed && a.probe.At == 0 {
				a.probe = reassembly.MarkOf(ev.Seg)
			}
		}
	case fsm.Advanced:
		if w.sides[side] != nil {
			w.advanced(ev, r)
		}
	case fsm.ResetSent:
		if a := w.sides[side]; a != nil && a.n > 0 && !a.over() {
			a.rst = reassembly.MarkOf(ev.Seg)
			w.due[side].Disarm()
			w.stuck(side, detectors.Overdue{Now: ev.Seg.At}, r)
		}
	case fsm.Revived:
		for side, a := range w.sides {
			if a != nil && a.over() {
				r.Withdraw(a.first.File, a.first.Frame)
				a.rst = reassembly.Mark{}
				w.wait(reassembly.Side(side), r)
			}
		}
	case fsm.Sent:
		sender := side.Peer() // of the large segment
		if a := w.sides[sender]; a != nil && a.n > 0 && !a.over() && !detectors.MayBeForged(ev) && detectors.AcksUna(r.Conn, ev.Side, ev.Seg) {
			a.spoke = reassembly.MarkOf(ev.Seg)
			a.arrived(sender, ev.Seg, r)
			w.wait(sender, r)
		}
	}
}

func (w *mtuBlackhole) side(side reassembly.Side) *oversizeLoss {
	if w.sides[side] == nil {
		w.sides[side] = oversizeLosses.Take()
	}
	return w.sides[side]
}

// advanced takes the peer's acknowledgment of something new: of the large segment as a
// whole, or of the first smaller piece.
func (w *mtuBlackhole) advanced(ev fsm.Event, r *detectors.Report) {
	a, out := w.sides[ev.Side], r.Conn.Stream(ev.Side)
	a.acknowledged += int64(ev.N)
	// So much was in flight behind it all the time, and arrived at its first attempt.
	behind := a.doubted > 0 && a.acknowledged >= int64(a.doubted)
	if behind || a.probe.At != 0 && out.Covered(a.probe.End()) {
		a.passed = true // size is not what matters
		r.Withdraw(a.anchor.File, a.anchor.Frame)
	}
	if a.n > 0 && !a.over() {
		w.due[ev.Side].Satisfy(r)
		r.Withdraw(a.first.File, a.first.Frame) // also where more has arrived behind it since
		enough := a.resends >= int(r.Value("min-resends"))
		if enough && !a.passed && !a.fell && a.piece.At != 0 && ev.N < a.size && a.longer < a.size {
			a.fellBack(ev.Side, ev.Seg, r)
		}
	}
	if a.n == 0 && a.beyond.At == 0 {
		return
	}
	if !a.fell && !a.passed && a.told == nil { // nothing is left to know
		a.n, a.beyond.At = 0, 0
		return
	}
	keep := *a
	*a = oversizeLoss{fell: keep.fell, anchor: keep.anchor, failed: keep.failed, passed: keep.passed, size: keep.size, probe: keep.probe, doubted: keep.doubted, acknowledged: keep.acknowledged, told: keep.told}
}

// wait arms the side's deadline once there are enough retransmissions, and extends it
// with each further one.
func (w *mtuBlackhole) wait(side reassembly.Side, r *detectors.Report) {
	a, due := w.sides[side], &w.due[side]
	switch {
	case a.over():
	case !a.enough(r):
		due.Disarm()
	case due.Armed():
		due.Extend(a.first.At, r)
	default:
		due.Arm(a.first.At, r)
	}
}

func (w *mtuBlackhole) Deadlines() []detectors.Deadline { return w.due[:] }

// Limit is when the acknowledgment of the large segment is overdue.
func (w *mtuBlackhole) Limit(i int, r *detectors.Report) int64 {
	return w.sides[i].provenAt(time.Duration(r.Nanos("patience")), r.Conn.RTO(reassembly.Side(i)), false)
}

func (w *mtuBlackhole) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	w.sides[i].replaced = o.Ended && o.Why == detectors.Replaced
	w.stuck(reassembly.Side(i), o, r)
}
