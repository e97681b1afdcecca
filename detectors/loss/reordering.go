package loss

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Reordering reports a direction whose sender mistook reordering for loss: the receiver
// showed holes, the sender sent again what was missing, and the original had only been
// overtaken. RFC 2883, RFC 3522, RFC 8985.
var Reordering = &detectors.Detector{
	Name:  "reordering",
	Needs: fsm.Text, // where a segment was overtaken, IP IDs tell
	Doc: detectors.Doc{
		Title: "reordering was mistaken for loss",
		What: "The receiver sends duplicate ACKs or SACK because later segments overtook earlier ones. The sender retransmits the " +
			"earlier ones, and then it turns out that they had arrived: the ACK echoes the timestamp of the original, a D-SACK " +
			"reports a second copy, or the ACK had been captured before. Each time the sender halves its rate, unless its TCP undoes that.",
		Cause: "Packets of one connection take several paths: links or CPUs that are used in turn packet by packet, a bonded interface in " +
			"round-robin mode, a radio link that repeats frames without keeping their order, a route that changes.",
		Action: "Let the balancer choose by connection, not by packet (layer3+4 hashing, not round-robin). If that is impossible, " +
			"RACK (RFC 8985) at the sender, or net.ipv4.tcp_reordering, makes it wait longer.",
		NotThis: "Loss: retransmissions. Segments that arrive late without being sent again: TCP puts them in order, and nothing " +
			"slows down. What SACK had acknowledged all the time, and is sent again behind a hole: nothing overtook it. Spurious retransmissions by timeouts and tail probes, where the ACK was late or lost: retransmissions, too.",
		Peers: "Wireshark calls these frames fast or spurious retransmissions, or out of order by their time alone. It uses neither " +
			"timestamps nor D-SACK for that, nor the IP identification that tells a late packet from a new one.",
		Refs:  []string{"RFC 2883", "RFC 3522", "RFC 4653", "RFC 8985"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{reorderedBefore, reorderedBehind},
	Params: []detectors.Param{
		{Name: "min-resent", Default: 5, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of segments retransmitted unnecessarily because others overtook them"},
		{Name: "min-share", Default: 0.5, Min: 0, Max: 1, Unit: "", Doc: "their minimum share of all retransmissions that duplicate ACKs and SACK caused"},
	},
	StartsOn:     fsm.On(fsm.HoleShown, fsm.DataOutOfOrder),
	SubscribesTo: fsm.On(fsm.DataResent, fsm.ResendAcked, fsm.ArrivedTwice, fsm.HoleShown, fsm.DataOutOfOrder),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(reordering) },
}

var (
	reorderedBefore = &detectors.Outcome{Name: "before-tap", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the capture shows the late segments: they were overtaken between their sender and the capture point"}
	reorderedBehind = &detectors.Outcome{Name: "behind-tap", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the segments were captured in order: they were overtaken between the capture point and the receiver"}
)

// causeSentLate is the cause where segments have IP identifications in the order of the capture.
const causeSentLate = "The sender put its segments on the wire in this order: several queues or processors of its network card, a device that ends " +
	"TCP for it, or one that numbers packets anew and reordered them before."

// actionSentLate is what to do about that: no balancer of packets behind the sender explains it.
const actionSentLate = "Look at the sender, or at the device that ends TCP or numbers packets for it (a proxy, a load balancer): let its network card use one transmit queue for each connection (XPS, its driver's offloads). " +
	"If that is impossible, RACK (RFC 8985) there, or net.ipv4.tcp_reordering, makes it wait longer."

// reordering is indexed by the side that sends, once a hole was shown.
type reordering struct{ sides [2]*reorderedSide }

func (w *reordering) Event(ev fsm.Event, r *detectors.Report) {
	a := w.sides[ev.Side]
	if a == nil {
		if ev.Kind == fsm.ResendAcked || ev.Kind == fsm.ArrivedTwice {
			return
		}
		a = reorderedSides.Take()
		a.begin(ev, r)
		w.sides[ev.Side] = a
	}
	switch {
	case ev.Kind == fsm.DataOutOfOrder, ev.Kind == fsm.DataResent && a.tooSoon(ev, r):
		a.cameLater(ev, counted(ev, r), r)
	case ev.Kind == fsm.HoleShown:
		a.holeShown(ev, r)
	case ev.Kind == fsm.DataResent:
		was, block := a.total.notLost().spurious[fast], reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()}
		if a.resent(ev, r); a.total.notLost().spurious[fast] > was {
			a.unneeded("sent again, although acknowledged", ev.Seg, block, ev.Seg.Frame, a.asksFor(block))
		}
	case ev.Kind == fsm.ResendAcked:
		if o, is := a.acked(ev, r); is && o.trigger == fast {
			a.unneeded("ACK of the original", ev.Seg, o.Block, o.frame, !o.unseen && !o.foremost)
		}
	case ev.Kind == fsm.ArrivedTwice:
		if o, is := a.arrivedTwice(ev.Seg, r); is && o.trigger == fast {
			a.unneeded("D-SACK: it arrived twice", ev.Seg, o.Block, o.frame, !o.unseen && !o.foremost)
		}
	}
}

func (w *reordering) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a == nil {
			continue
		}
		o, outcome := &a.before, reorderedBefore
		if a.behind.n > a.before.n {
			o, outcome = &a.behind, reorderedBehind
		}
		if o.n >= uint32(r.Value("min-resent")) && float64(o.n) >= r.Value("min-share")*float64(a.total.by[fast]) {
			a.report(outcome, o, reassembly.Side(side), e.At, r)
		}
	}
}

func (a *reorderedSide) report(outcome *detectors.Outcome, o *overtaken, side reassembly.Side, at int64, r *detectors.Report) {
	own, culprit := r.Name(side), side.Peer()
	where := " They were captured in order: they were overtaken behind the capture point."
	inOrder := outcome == reorderedBefore && 2*a.counted >= a.lateCount
	switch {
	case inOrder:
		where = fmt.Sprintf(" They were captured late, though by the IP IDs of %s, at least half of them were sent in the order of the capture: the host, or a device that numbers its packets, did that.", own)
		culprit = side
	case outcome == reorderedBefore:
		where = fmt.Sprintf(" They were captured late: they were overtaken between %s and the capture point.", own)
		culprit = side
	case detectors.NoSACK(r.Conn):
		return // what was lost, and what was sent again with it though it had arrived, looks the same
	}
	unseen := outcome == reorderedBehind && r.Conn.HoleSince(o.proof.Seg.At-int64(time.Second))
	if unseen {
		where = ""
	}
	f := r.Find(outcome, culprit, at, *o.proof)
	if inOrder {
		f.Fault, f.Cause, f.Action = detectors.FaultUnknown, causeSentLate, actionSentLate
	}
	f.End, f.States = a.until, a.states
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("fast", int(a.total.by[fast]))
	f.Measure("spurious", int(o.n))
	f.Measure("late", int(a.lateCount))
	proof := fmt.Sprintf("as frame %d shows", o.proof.Seg.Frame)
	if o.of == o.proof.Seg.Frame {
		proof = "whose bytes had been acknowledged"
	}
	f.Message = fmt.Sprintf("%s retransmitted at least %s unnecessarily after duplicate ACKs or SACK had shown a hole (as in frame %d, %s): "+
		"later segments had only overtaken the originals.%s", own, detectors.Counted(o.n, "segment", "segments"), o.of, proof, where)
	if unseen {
		f.Undecide("holes: the peer acknowledged segments that were not captured, and these may be the ones that were overtaken, before the capture point or behind it")
	}
	r.Emit(f)
}
