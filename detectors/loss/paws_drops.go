package loss

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// PAWSDrops reports a sender whose timestamps are older than those that its receiver has
// seen from it, so that the receiver must drop all that it sends. RFC 7323 5.
var PAWSDrops = &detectors.Detector{
	Name: "paws-drops",
	Doc: detectors.Doc{
		Title: "segments are dropped because their timestamps are too old",
		What: "A side keeps retransmitting the same data. The receiver is up and answers each time, but acknowledges nothing new, " +
			"and the timestamp that it echoes is newer than those that the sender now sends. Protection against wrapped " +
			"sequence numbers (PAWS) requires it to drop such segments.",
		Cause: "The sender's timestamp clock went back: a virtual machine or container was migrated or resumed with its connections, a " +
			"device sends on behalf of the host with its own clock, or a device rewrites timestamps in one direction only.",
		Action: "Compare the timestamps at both ends of the path: if they differ, a device in between rewrites them. If the sender itself " +
			"went back, close the connection; to keep such a host in service, disable timestamps there (net.ipv4.tcp_timestamps=0).",
		NotThis: "Data that is retransmitted without any answer: dead-peer. SYNs that a server drops because of their timestamps: " +
			"syn-unanswered. A late segment with an older timestamp among newer ones: reordering. Data that had been acknowledged before, such " +
			"as frames that were captured again much later.",
		Peers: "Wireshark shows retransmissions and duplicate ACKs, and does not compare timestamps.",
		Refs:  []string{"RFC 7323 5.3", "RFC 7323 5.5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{pawsStuck, pawsRecovered},
	Params: []detectors.Param{
		{Name: "min-drops", Default: 2, Min: 1, Max: 1000, Unit: "", Doc: "minimum number of answers that echo a newer timestamp, from the third retransmission in a row on"},
	},
	StartsOn:     fsm.On(fsm.NoProgress),
	SubscribesTo: fsm.On(fsm.NoProgress, fsm.DataResent, fsm.ResendAcked),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(pawsDrops) },
}

var (
	pawsStuck = &detectors.Outcome{Name: "stuck", Severity: detectors.Critical, Fault: detectors.FaultSuspected,
		When: "nothing more was acknowledged: everything was dropped until the end"}
	pawsRecovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Warning, Fault: detectors.FaultSuspected,
		When: "the connection continued once the timestamps had caught up"}
)

// pawsDrops is indexed by the side whose segments are dropped.
type pawsDrops struct{ sides [2]staleClock }

// A staleClock is a side that may send timestamps which are too old.
type staleClock struct {
	resent reassembly.Mark // the last, and its timestamp; At is 0 if it has none
	stamp  uint32
	first  reassembly.Mark // answers that echo a newer one
	last   reassembly.Mark
	back   uint32 // by how much, in the sender's ticks
	drops  uint32
}

func (w *pawsDrops) Event(ev fsm.Event, r *detectors.Report) {
	s := &w.sides[ev.Side]
	stamped := ev.Seg.Opts.Has&reassembly.HasTimestamps != 0
	echo, is := detectors.Echo(r.Conn, ev.Seg)
	newer := is && reassembly.Seq(s.stamp).Before(echo) // than what was sent again
	switch ev.Kind {
	case fsm.DataResent:
		s.resent = reassembly.Mark{}
		// What has arrived cannot be dropped: it is a duplicate frame, or its ACK was lost.
		if out := r.Conn.Stream(ev.Side); stamped && !out.Covered(ev.Seg.End()) {
			s.resent, s.stamp = reassembly.MarkOf(ev.Seg), ev.Seg.Opts.TSVal
		}
	case fsm.NoProgress:
		if s.resent.At == 0 || !newer {
			return
		}
		s.last = reassembly.MarkOf(ev.Seg)
		if s.drops == 0 {
			s.first, s.back = s.last, ev.Seg.Opts.TSEcr-s.stamp
		}
		if s.drops++; s.drops == uint32(r.Value("min-drops")) {
			w.report(pawsStuck, ev.Side, ev.Seg.At, nil, r)
		}
	case fsm.ResendAcked:
		if s.drops == 0 {
			return
		}
		// What was acknowledged with an older timestamp was not dropped because of it.
		if !stamped || newer {
			r.Withdraw(s.first.File, s.first.Frame)
		} else if s.drops >= uint32(r.Value("min-drops")) {
			w.report(pawsRecovered, ev.Side, ev.Seg.At, &detectors.Evidence{Role: "acknowledged in the end", Seg: *ev.Seg}, r)
		}
		*s = staleClock{}
	}
}

func (w *pawsDrops) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.sides[side].drops >= uint32(r.Value("min-drops")) {
			w.report(pawsStuck, side, e.At, nil, r)
		}
	}
}

func (w *pawsDrops) report(outcome *detectors.Outcome, side reassembly.Side, at int64, by *detectors.Evidence, r *detectors.Report) {
	s := &w.sides[side]
	evidence := []detectors.Evidence{
		r.Evidence("acknowledges nothing, and echoes a newer timestamp", side.Peer(), &s.first),
		r.Evidence("sent again with an older timestamp", side, &s.resent),
		r.Evidence("last such answer", side.Peer(), &s.last),
	}
	if s.drops == 1 {
		evidence = evidence[:2]
	}
	if by != nil {
		evidence = append(evidence, *by)
	}
	f := r.Find(outcome, side, at, evidence...)
	f.End = max(f.End, at)
	f.Roles = detectors.Roles("sender", side, "receiver")
	f.Measure("drops", int(s.drops))
	f.Measure("back_ticks", int(s.back))
	own, peer := r.Name(side), r.Name(side.Peer())
	f.Message = fmt.Sprintf("%s sends timestamps that are %d ticks older than the one that %s has received from it and echoes (frame %d). "+
		"%s must drop its segments (PAWS), and answered %s without acknowledging anything new.",
		own, s.back, peer, s.first.Frame, peer, detectors.Counted(s.drops, "retransmission", "retransmissions"))
	if by != nil {
		f.Message += fmt.Sprintf(" Then the timestamps had caught up, and it acknowledged the data (frame %d).", by.Seg.Frame)
	} else {
		f.States = r.StatesNow(at)
	}
	r.Emit(f)
}
