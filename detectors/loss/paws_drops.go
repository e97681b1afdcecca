package loss

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// PAWSDrops reports a sender whose timestamps are older than what its receiver
// has seen of it, so that the receiver must drop all that it sends. RFC 7323 5.
var PAWSDrops = &detectors.Detector{
	Name: "paws-drops",
	Doc: detectors.Doc{
		Title: "segments are dropped because their timestamps are too old",
		What: "A side sends the same data again and again. The receiver is there and answers each time, but acknowledges nothing new, " +
			"and the timestamp that it echoes is younger than those that the sender now sends. Protection against wrapped " +
			"sequence numbers (PAWS) obliges it to drop such segments.",
		Cause: "The sender's timestamp clock went back: a virtual machine or container that was moved or resumed with its connections, a " +
			"device that sends on behalf of the host with a clock of its own, or one that rewrites timestamps in one direction only.",
		Action: "Compare the timestamps at both ends of the path: where they differ, a device between rewrites them. If the sender itself " +
			"went back, close the connection; to keep such hosts in service, switch timestamps off there (net.ipv4.tcp_timestamps=0).",
		NotThis: "Data that is sent again and meets no answer at all: dead-peer. SYNs that a server drops by their timestamps: " +
			"syn-unanswered. A late segment with an older timestamp among younger ones: reordering. Data that had been acknowledged before, such " +
			"as frames that were captured once more much later.",
		Peers: "Wireshark shows retransmissions and duplicate ACKs, and does not compare timestamps.",
		Refs:  []string{"RFC 7323 5.3", "RFC 7323 5.5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "stuck", Severity: detectors.Critical, When: "nothing more was acknowledged: all was dropped to the end"},
		{Name: "recovered", Severity: detectors.Warning, When: "the connection went on once the timestamps had caught up"},
	},
	Params: []detectors.Param{
		{Name: "min-drops", Default: 2, Min: 1, Max: 1000, Unit: "", Doc: "answers to later resends, after three in a row, that show a younger timestamp"},
	},
	StartsOn:     fsm.On(fsm.NoProgress),
	SubscribesTo: fsm.On(fsm.NoProgress, fsm.DataResent, fsm.ResendAcked),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(pawsDrops) },
}

// pawsDrops holds one account per direction, by the side whose segments are
// dropped.
type pawsDrops struct{ sides [2]staleClock }

// A staleClock is a side that may send timestamps which are too old.
type staleClock struct {
	resent reassembly.Mark // the last, and its timestamp; At is 0 if it has none
	stamp  uint32
	first  reassembly.Mark // answers that show a younger one
	last   reassembly.Mark
	back   uint32 // by how much, in the sender's ticks
	drops  uint32
}

func (w *pawsDrops) Event(ev fsm.Event, r *detectors.Report) {
	s := &w.sides[ev.Side]
	stamped := ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
	switch ev.Kind {
	case fsm.DataResent:
		s.resent = reassembly.Mark{}
		if stamped && !r.Old.Covered(ev.Side, ev.Seg) { // what has arrived cannot be dropped: it is an echo, or its ACK was lost
			s.resent, s.stamp = reassembly.MarkOf(ev.Seg), ev.Seg.Opts.TSVal
		}
	case fsm.NoProgress:
		if s.resent.At == 0 || !stamped || !reassembly.Seq(s.stamp).Before(reassembly.Seq(ev.Seg.Opts.TSEcr)) {
			return
		}
		s.last = reassembly.MarkOf(ev.Seg)
		if s.drops == 0 {
			s.first, s.back = s.last, ev.Seg.Opts.TSEcr-s.stamp
		}
		if s.drops++; s.drops == uint32(r.Value("min-drops")) {
			w.tell("stuck", ev.Side, ev.Seg.At, nil, r)
		}
	case fsm.ResendAcked:
		if s.drops == 0 {
			return
		}
		// What was acknowledged with an older timestamp was not dropped for it.
		caughtUp := stamped && !reassembly.Seq(s.stamp).Before(reassembly.Seq(ev.Seg.Opts.TSEcr))
		if !caughtUp {
			r.Withdraw(s.first.File, s.first.Frame)
		} else if s.drops >= uint32(r.Value("min-drops")) {
			w.tell("recovered", ev.Side, ev.Seg.At, &detectors.Evidence{Role: "acknowledged at last", Seg: *ev.Seg}, r)
		}
		*s = staleClock{}
	}
}

func (w *pawsDrops) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.sides[side].drops >= uint32(r.Value("min-drops")) {
			w.tell("stuck", side, e.At, nil, r)
		}
	}
}

func (w *pawsDrops) tell(outcome string, side reassembly.Side, at int64, by *detectors.Evidence, r *detectors.Report) {
	s := &w.sides[side]
	evidence := []detectors.Evidence{
		r.Evidence("acknowledges nothing, and echoes a younger timestamp", side.Peer(), &s.first),
		r.Evidence("sent again with an older timestamp", side, &s.resent),
		r.Evidence("the last such answer", side.Peer(), &s.last),
	}
	if s.drops == 1 {
		evidence = evidence[:2]
	}
	if by != nil {
		evidence = append(evidence, *by)
	}
	f := r.FindNamed(outcome, side, at, evidence...)
	if by == nil {
		f.States = r.StatesNow(at)
	}
	f.End = max(f.End, at)
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	f.Measure("drops", int(s.drops))
	f.Measure("back_ticks", int(s.back))
	f.Message = fmt.Sprintf("%s sends with timestamps that are older, by %d of its ticks, than what %s has seen of it and echoes (frame %d): "+
		"%s must drop what it sends (PAWS), and answered %s without acknowledging anything new.",
		r.Name(side), s.back, r.Name(side.Peer()), s.first.Frame, r.Name(side.Peer()), detectors.Counted(s.drops, "resend", "resends"))
	if outcome == "recovered" {
		f.Message += fmt.Sprintf(" Then the timestamps had caught up, and the data was acknowledged (frame %d).", by.Seg.Frame)
	}
	r.Emit(f)
}
