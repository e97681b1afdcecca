package path

import (
	"fmt"
	"slices"
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
	Watch:        func(*detectors.Report) detectors.Watcher { return new(mtuBlackhole) },

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
	sides [2]*oversizeLoss      // made once and used again
}

// An oversizeLoss is a segment that does not arrive.
type oversizeLoss struct {
	retryRun                     // of its retransmissions; the peer may send segments in between
	size         uint32          // payload of the smallest that did not arrive
	beyond       reassembly.Mark // the peer's segment that shows that something behind it arrived
	longer       uint32          // the longest stretch of that
	spoke        reassembly.Mark // the peer's segment that shows that it is there, though it acknowledges nothing new
	piece        reassembly.Mark // the first retransmission that was smaller
	probe        reassembly.Mark // a large segment, sent once, after smaller pieces had arrived
	fell         bool            // reported that the sender fell back, anchored at anchor
	anchor       reassembly.Mark
	doubted      uint32 // size of the segment, where that was reported as undecided; 0: it was not
	acknowledged int64  // since then: bytes acknowledged, less those sent or sent again
	passed       bool   // large segments do arrive

	told    *detectors.ICMPErrors // that packets are too large; nil if nobody said so
	ignored int                   // retransmissions of the oldest segment that were larger than told
	obeyed  reassembly.Mark       // the first retransmission that was not, unless it came too late
}

func (w *mtuBlackhole) Event(ev fsm.Event, r *detectors.Report) {
	w.process(ev, r)
	aOfA, bOfA := w.sides[reassembly.A].follows()
	bOfB, aOfB := w.sides[reassembly.B].follows()
	r.SubscribeSides(MTUBlackhole.StartsOn|aOfA|aOfB, MTUBlackhole.StartsOn|bOfB|bOfA)
}

// follows are the kinds of event, of the side itself and of its peer, that change the account,
// besides new trouble.
func (a *oversizeLoss) follows() (own, peer fsm.Kinds) {
	if a == nil {
		return 0, 0
	}
	if a.n > 0 || a.beyond.At != 0 {
		own |= fsm.On(fsm.Advanced)
	}
	if a.n > 0 {
		own |= fsm.On(fsm.ResetSent, fsm.Revived)
		peer = fsm.On(fsm.Revived, fsm.Sent)
	}
	if a.fell {
		own |= fsm.On(fsm.Advanced, fsm.DataSent)
	}
	return own, peer
}

func (w *mtuBlackhole) process(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	switch ev.Kind {
	case fsm.HoleShown:
		w.side(side).arrived(side, ev.Seg, r)
		w.wait(side, r)
	case fsm.ICMPError:
		if tooBig(ev.Seg) {
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
			if ev.Seg.Len >= a.size && a.probe.At == 0 {
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
		w.sides[side] = new(oversizeLoss)
	}
	return w.sides[side]
}

// arrived takes what the peer says of payload behind the hole.
func (a *oversizeLoss) arrived(side reassembly.Side, by *reassembly.Segment, r *detectors.Report) {
	if n := sacked(by, r.Conn.Stream(side).Una); n > 0 && !detectors.NoSACK(r.Conn) {
		if a.beyond.At == 0 {
			a.beyond = reassembly.MarkOf(by)
		}
		a.longer = max(a.longer, n)
	}
}

// sacked is the longest stretch beyond una that a segment acknowledges by SACK; 0 if
// it has no such block.
func sacked(by *reassembly.Segment, una reassembly.Seq) (longest uint32) {
	for _, b := range by.Opts.Blocks[:by.Opts.NBlocks] {
		if b.From.Before(b.To) && b.From.After(una) {
			longest = max(longest, uint32(b.To-b.From))
		}
	}
	return longest
}

// again takes a retransmission.
func (a *oversizeLoss) again(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	a.probe.At = 0
	a.acknowledged -= int64(m.Len)
	if m.Flags&reassembly.FIN != 0 || a.over() || a.passed {
		return
	}
	out := r.Conn.Stream(ev.Side)
	if a.n == 0 {
		a.heard = r.Conn.Last(ev.Side.Peer())
	}
	switch {
	case !out.Oldest(m.Seq):
		a.retry(&m)
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
	default:
		a.retry(&m)
	}
	if a.told != nil && a.obeyed.At == 0 && out.Oldest(m.Seq) && a.onePacket(ev.Seg, r) && !a.fits(ev.Seg) {
		a.ignored++
	}
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
	keep := *a
	*a = oversizeLoss{fell: keep.fell, anchor: keep.anchor, passed: keep.passed, size: keep.size, probe: keep.probe, doubted: keep.doubted, acknowledged: keep.acknowledged, told: keep.told}
}

// enough reports whether enough retransmissions have failed although something smaller
// arrived behind, or ICMP says that they are too large, or said what size is not, and
// the peer is there.
func (a *oversizeLoss) enough(r *detectors.Report) bool {
	smaller := a.longer > 0 && a.longer < a.size
	return a.n > 0 && !a.passed && a.resends >= int(r.Value("min-resends")) && (smaller || a.defiant(r) || a.obeyed.At != 0 && a.spoke.At != 0)
}

// foreign reports whether what shows that something behind the hole arrived comes from another
// device, by its TTL or IP ID, than what the peer sent before or since: who forges a segment can claim any arrival.
func (a *oversizeLoss) foreign(side reassembly.Side, r *detectors.Report) bool {
	last, habits := r.Conn.Last(side.Peer()), r.Conn.IPHabits(side.Peer())
	for _, own := range [...]*reassembly.Mark{&a.heard, &last} {
		if own.At != 0 && !detectors.SameFrame(own, &a.beyond) &&
			((fsm.Habits{}).OtherTTL(own, &a.beyond) || own.At > a.beyond.At && habits.OtherID(&a.beyond, own)) {
			return true
		}
	}
	return false
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

// stuck reports a segment that has not arrived.
func (w *mtuBlackhole) stuck(side reassembly.Side, o detectors.Overdue, r *detectors.Report) {
	a := w.sides[side]
	if !a.enough(r) {
		return
	}
	v := a.retryRun
	if a.beyond.At != 0 && detectors.SameFrame(&v.heard, &a.beyond) {
		v.heard.At = 0
	}
	evidence := v.evidence(side, r)
	if a.beyond.At != 0 {
		evidence = slices.Insert(evidence, 1, r.Evidence("a smaller segment behind it has arrived", side.Peer(), &a.beyond))
	}
	outcome, subject := mtuStuck, side.Peer()
	switch {
	case a.obeyed.At != 0:
		outcome = mtuStillTooLarge
	case a.defiant(r):
		outcome, subject = mtuNotObeyed, side
	}
	f := a.finding(outcome, side, o.Now, append(evidence, a.told.Evidence()...), r)
	f.Subject = subject
	f.Message = a.message(outcome, side, r)
	f.Measure("ending", a.ending(o.Now, r.Conn.Last(side).At))
	switch {
	case o.Short > 0 && !a.replaced:
		f.Undecide(fmt.Sprintf("the capture ends %s before an answer would be overdue", detectors.Span(o.Short)))
	case outcome == mtuStuck && a.foreign(side, r):
		f.Undecide(fmt.Sprintf("one segment alone says that something behind it arrived (frame %d), and its TTL or IP ID (%d, %d) fits nothing else from that host: a device may answer in its name, and the path may drop everything",
			a.beyond.Frame, a.beyond.TTL, a.beyond.IPID))
	default:
		r.Absence(&f, a.first.At)
	}
	w.due[side].Emit(f, r)
}

// fellBack reports smaller pieces that arrived.
func (a *oversizeLoss) fellBack(side reassembly.Side, ack *reassembly.Segment, r *detectors.Report) {
	a.fell, a.anchor, a.acknowledged = true, a.first, 0
	evidence := append(a.evidence(side, r), r.Evidence("sent again in smaller pieces", side, &a.piece), detectors.Evidence{Role: "acknowledged at once", Seg: *ack})
	f := a.finding(mtuFellBack, side, ack.At, append(evidence, a.told.Evidence()...), r)
	f.Measure("piece", int(a.piece.Len))
	f.Message = fmt.Sprintf("%s retransmitted a segment of %d bytes %d times in %s (frames %d to %d), and it never arrived. Then it tried %d bytes "+
		"(frame %d), and these were acknowledged (frame %d). %s Each new connection will lose the same time.", r.Name(side), a.size, a.resends,
		detectors.Span(a.last().At-a.first.At), a.first.Frame, a.last().Frame, a.piece.Len, a.piece.Frame, ack.Frame, a.whoTold(side, r))
	if a.beyond.At == 0 && a.spoke.At == 0 {
		a.doubted = a.size
		f.Undecide("the peer sent nothing in the meantime: an outage that ended at that moment would look the same")
	}
	r.Emit(f)
}

func (a *oversizeLoss) finding(o *detectors.Outcome, side reassembly.Side, at int64, evidence []detectors.Evidence, r *detectors.Report) detectors.Finding {
	f := r.Find(o, side.Peer(), at, evidence...)
	f.End = at
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("size", int(a.size))
	f.Measure("arrived", int(a.longer))
	f.Measure("resends", a.resends)
	f.Measure("lost_s", detectors.Seconds(at-a.first.At))
	if a.told != nil {
		if o == mtuStuck || o == mtuFellBack {
			f.Cause = toldInVain
		}
		a.told.Measure(&f)
		f.Measure("mtu", int(a.told.Last.ICMP.MTU))
		f.Measure("ignored", a.ignored)
	}
	return f
}
