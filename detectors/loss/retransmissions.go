package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Retransmissions reports a direction that lost so much, stood still so long, or
// was sent again so often for nothing, that somebody should look: what made the
// sender send again, and on which side of the capture point segments were lost.
// RFC 5681, RFC 6298, RFC 6675, RFC 8985.
var Retransmissions = &detectors.Detector{
	Name: "retransmissions",
	Doc: detectors.Doc{
		Title: "much was sent again",
		What: "One side sends a share of its payload again that is worth a look, or nothing moves for seconds until its timer " +
			"runs out. Each segment that was sent again is put down to what made its sender do so: fast (three duplicate ACKs or " +
			"SACK had shown a hole), a timeout (nothing had), a tail probe (the last segment only, about two round trips later), or " +
			"unknown. It was for nothing if the ACK echoes the timestamp of the original (Eifel), if a D-SACK reports that it " +
			"arrived twice, or if its ACK had been captured before.",
		Cause: "Segments are lost: a congested link, a full queue, a bad cable or radio, a duplex mismatch, a policer. If the originals " +
			"are in the capture, they were lost between the capture point and the receiver; if it shows holes that are filled later, " +
			"before they reached it.",
		Action: "Look at error and drop counters of the interfaces on the side that is named. Capture on its other end too: where " +
			"a segment is in one capture and not in the other, the loss is between them.",
		NotThis: "A handful of fast retransmissions: TCP at work. One segment sent again and again to a peer that does not answer, to " +
			"the end of the connection: what was never acknowledged is not counted here, and dead-peer, mtu-blackhole and " +
			"idle-blackhole speak of it. Zero-window probes. Segments that were sent again because others overtook them: reordering.",
		Peers: "Wireshark calls a segment a fast retransmission only if it is the one that two duplicate ACKs name, within 20 ms of them, so that " +
			"what follows in the same recovery is a plain one to it; spurious only if " +
			"its ACK was captured before it, and out of order if it fills a hole within 3 ms or the handshake's round trip, even where " +
			"SACK had asked for it; it has no word for timeouts and tail probes, and does not read timestamps or D-SACK for this.",
		Refs:  []string{"RFC 5681 3.2", "RFC 6298 5", "RFC 6675", "RFC 8985 7", "RFC 3522", "RFC 2883"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "rto-stalls", Severity: detectors.Info, When: "the connection stood still for seconds in all, until timeouts ran out; a warning if that happened more than once",
			Cause: "Nothing came back that would have shown what is missing: whole windows or last segments were lost, the resends with " +
				"them, or the ACKs. Each timeout without an answer doubles the next."},
		{Name: "lossy", Severity: detectors.Warning, When: "a considerable share of the payload was lost and sent again"},
		{Name: "spurious", Severity: detectors.Info, When: "a considerable share of the payload was sent again for nothing, by timeouts or probes: nothing was lost but time, or ACKs",
			Cause: "The ACK came later than the sender's timeout, or was lost: delay that jumps (a queue that fills, a radio that sleeps, " +
				"a virtual machine that is not run), a timeout that is set too short, or loss on the way back.",
			Action: "Compare the round trip at these moments with that of the handshake. If ACKs are in the capture that did not " +
				"reach the sender, look for loss between the capture point and the sender."},
	},
	Params: []detectors.Param{
		{Name: "min-resent", Default: 10, Min: 1, Max: 1e6, Unit: "", Doc: "segments sent again that are worth a finding"},
		{Name: "min-episodes", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "separate times in which that must have happened: one burst may be the end of slow start"},
		{Name: "min-share", Default: 0.02, Min: 0, Max: 1, Unit: "", Doc: "share of the payload sent again, from the first time on, that is worth a finding"},
		{Name: "min-stall", Default: 3, Min: 0.2, Max: 3600, Unit: "s", Doc: "standing still for a second or more until timeouts ran out, in all, that is worth a finding"},
	},
	StartsOn:     fsm.On(fsm.DataResent),
	SubscribesTo: fsm.On(fsm.DataResent, fsm.ResendAcked, fsm.ArrivedTwice, fsm.HoleShown),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(retransmissions) },
	YieldsTo:     []string{"dead-peer", "mtu-blackhole", "idle-blackhole"},
}

// retransmissions holds what is known of each direction in which something was
// sent again.
type retransmissions struct{ ways [2]*lossyWay }

// A lossyWay is one direction.
type lossyWay struct {
	resends
	first    reassembly.Mark // the first segment that was sent again
	waiting  int64           // since when nothing has been acknowledged, as something was sent again
	stall    stall           // that lasts; its segment's At is 0 if none does
	longest  stall
	stalled  int64 // in all
	stalls   uint32
	lostAcks uint32 // resends whose ACK was captured long before
	told     string // outcome
	next     uint32 // how many resends are worth telling anew
}

// A stall is a time in which nothing new was acknowledged, until a timeout.
type stall struct {
	resent reassembly.Mark // the first that the timeout brought
	ended  reassembly.Mark // the ACK
	since  int64
}

func (s *stall) lasted() int64 { return s.ended.At - s.since }

func (w *retransmissions) Event(ev fsm.Event, r *detectors.Report) {
	a := w.ways[ev.Side]
	if a == nil {
		if ev.Kind != fsm.DataResent {
			return
		}
		a = &lossyWay{first: reassembly.MarkOf(ev.Seg)}
		a.begin(ev.Side, r)
		w.ways[ev.Side] = a
	}
	switch ev.Kind {
	case fsm.DataResent:
		a.again(ev, r)
	case fsm.ResendAcked:
		a.acked(ev.Seg)
		a.moved(ev.Seg)
		a.tell(false, ev.Seg.At, ev.Side, r)
	case fsm.HoleShown:
		a.holeShown(ev, r)
	case fsm.ArrivedTwice:
		a.arrivedTwice(ev.Seg.Opts.Blocks[0])
	}
}

// again takes a segment that was sent again.
func (a *lossyWay) again(ev fsm.Event, r *detectors.Report) {
	first := a.row.all() == 0
	expired, late := a.resent(ev, r)
	silence, waited := waits(ev)
	if late {
		if silence >= r.Old.RTT()+ackClock {
			a.lostAcks++
		}
		return
	}
	if first { // the segment that is timed may be older than the last progress by a round trip
		a.waiting = ev.Seg.At - int64(max(silence, waited-r.Old.SRTT(ev.Side)))
	}
	if expired && a.stall.resent.At == 0 {
		a.stall = stall{resent: reassembly.MarkOf(ev.Seg), since: a.waiting}
	}
}

// noticeable is how long a connection must stand still for it to count.
const noticeable = time.Second

// moved ends a stall: something new was acknowledged.
func (a *lossyWay) moved(ack *reassembly.Segment) {
	s := a.stall
	if s.resent.At == 0 {
		return
	}
	a.stall = stall{}
	s.ended = reassembly.MarkOf(ack)
	if s.lasted() < int64(noticeable) {
		return
	}
	a.stalls++
	a.stalled += s.lasted()
	if s.lasted() > a.longest.lasted() {
		a.longest = s
	}
}

func (w *retransmissions) End(e detectors.Ending, r *detectors.Report) {
	for side, a := range w.ways {
		if a != nil {
			a.tell(true, e.At, reassembly.Side(side), r)
		}
	}
}

// outcome is what there is to say of the direction by now, empty if nothing.
func (a *lossyWay) outcome(side reassembly.Side, r *detectors.Report) string {
	least, worth := uint32(r.Value("min-resent")), r.Value("min-share")*a.sent(side, r)
	needed := a.sum.all() - a.sum.inVain()
	// What was overtaken is reordering's.
	spurious := a.sum.inVain() - a.sum.vain[fast]
	switch {
	case time.Duration(a.stalled) >= time.Duration(r.Value("min-stall")*float64(time.Second)):
		return "rto-stalls"
	case a.episodes < uint32(r.Value("min-episodes")): // one burst: a queue overflows at the end of slow start
	case needed >= least && float64(a.sum.bytes-a.sum.spare) >= worth:
		return "lossy"
	case spurious >= least && float64(a.sum.spare) >= worth:
		return "spurious"
	}
	return ""
}

// tell reports how things stand: at the end, when the outcome changes, and each
// time that the resends have doubled.
func (a *lossyWay) tell(last bool, at int64, side reassembly.Side, r *detectors.Report) {
	outcome := a.outcome(side, r)
	if !last && outcome == a.told && a.sum.all() < a.next {
		return
	}
	if outcome == "" && a.told != "" {
		r.Withdraw(a.first.File, a.first.Frame)
	}
	a.told, a.next = outcome, 2*a.sum.all()
	if outcome != "" {
		r.Emit(a.finding(outcome, at, side, r))
	}
}
