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
			"slows down. Spurious retransmissions by timeouts and tail probes, where the ACK was late or lost: retransmissions, too.",
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

// reordering is indexed by the side that sends, once a hole was shown.
type reordering struct{ sides [2]*reorderedSide }

type reorderedSide struct {
	resends
	proof *detectors.Evidence // the first time that it showed; nil if it did not
	of    uint32              // the frame that had been sent again unnecessarily
	late  uint32              // segments that were captured late
}

func (w *reordering) Event(ev fsm.Event, r *detectors.Report) {
	a := w.sides[ev.Side]
	if a == nil {
		if ev.Kind == fsm.ResendAcked || ev.Kind == fsm.ArrivedTwice {
			return
		}
		a = new(reorderedSide)
		a.begin(ev, r)
		w.sides[ev.Side] = a
	}
	kind := ev.Kind
	if kind == fsm.DataResent && a.tooSoon(ev, r) {
		kind = fsm.DataOutOfOrder
	}
	switch kind {
	case fsm.DataOutOfOrder:
		a.late++
		a.until = max(a.until, ev.Seg.At)
		if o, is := a.cameLate(ev); is && o.trigger == fast {
			a.prove("the original, captured late", ev.Seg, o.frame)
		}
	case fsm.HoleShown:
		a.holeShown(ev, r)
	case fsm.DataResent:
		was := a.total.spurious[fast]
		if a.resent(ev, r); a.total.spurious[fast] > was {
			a.prove("sent again, although acknowledged", ev.Seg, ev.Seg.Frame)
		}
	case fsm.ResendAcked:
		if o, is := a.acked(ev, r); is && o.trigger == fast {
			a.prove("ACK of the original", ev.Seg, o.frame)
		}
	case fsm.ArrivedTwice:
		if o, is := a.arrivedTwice(ev.Seg); is && o.trigger == fast {
			a.prove("D-SACK: it arrived twice", ev.Seg, o.frame)
		}
	}
}

// prove keeps the first proof.
func (a *reorderedSide) prove(role string, seg *reassembly.Segment, of uint32) {
	if a.proof == nil {
		a.proof, a.of = &detectors.Evidence{Role: role, Seg: *seg}, of
	}
}

func (w *reordering) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a != nil && a.total.spurious[fast] >= uint32(r.Value("min-resent")) &&
			float64(a.total.spurious[fast]) >= r.Value("min-share")*float64(a.total.by[fast]) {
			a.report(reassembly.Side(side), e.At, r)
		}
	}
}

func (a *reorderedSide) report(side reassembly.Side, at int64, r *detectors.Report) {
	own, peer := r.Name(side), r.Name(side.Peer())
	spurious, all := a.total.spurious[fast], a.total.by[fast]
	outcome, culprit := reorderedBehind, side.Peer()
	where := fmt.Sprintf(" They were captured in order: they were overtaken between the capture point and %s.", peer)
	if 2*a.late >= spurious {
		outcome, culprit = reorderedBefore, side
		where = fmt.Sprintf(" %s captured late: they were overtaken between %s and the capture point.", detectors.Counted(a.late, "segment was", "segments were"), own)
	}
	if outcome == reorderedBehind && detectors.NoSACK(r.Conn) {
		return // what was lost, and what was sent again with it though it had arrived, looks the same
	}
	unseen := outcome == reorderedBehind && r.Conn.HoleSince(a.proof.Seg.At-int64(time.Second))
	if unseen {
		where = ""
	}
	f := r.Find(outcome, culprit, at, *a.proof)
	f.States = r.StatesNow(at)
	f.End = a.until
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("fast", int(all))
	f.Measure("spurious", int(spurious))
	f.Measure("late", int(a.late))
	proof := fmt.Sprintf("as frame %d shows", a.proof.Seg.Frame)
	if a.of == a.proof.Seg.Frame {
		proof = "whose bytes had been acknowledged"
	}
	f.Message = fmt.Sprintf("%s retransmitted %s because duplicate ACKs or SACK showed a hole, %d of them unnecessarily (first frame %d, %s): "+
		"the original had only been overtaken.%s", own, detectors.Counted(all, "segment", "segments"), spurious, a.of, proof, where)
	if unseen {
		f.Undecide("holes: the peer acknowledged segments that were not captured, and these may be the ones that were overtaken, before the capture point or behind it")
	}
	r.Emit(f)
}
