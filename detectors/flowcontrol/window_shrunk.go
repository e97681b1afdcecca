package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// WindowShrunk reports a receiver that takes back window which it had offered.
// RFC 9293 3.8.6.
var WindowShrunk = &detectors.Detector{
	Name: "window-shrunk",
	Doc: detectors.Doc{
		Title: "a receiver took back window that it had offered",
		What: "The right edge of the window, acknowledgment plus window, moves left from one segment of the receiver to the next, by " +
			"more than the scale's rounding. RFC 9293 3.8.6 strongly discourages that: the sender may have sent already what it was allowed to.",
		Cause: "A receiver that sizes its window by what memory is left: Linux with net.ipv4.tcp_shrink_window on, or out of socket " +
			"memory; small embedded stacks with few buffers; a proxy or load balancer that rewrites windows (rate shaping).",
		Action: "Look at the receiver's memory (TCP pruning and collapsing counters in netstat -s, tcp_mem, rmem) and at middleboxes that shape by window. " +
			"If data was cut off, expect retransmissions that no loss explains.",
		NotThis: "A window that grows smaller as data fills it: its edge stays. Less than a unit of the window scale. What a " +
			"SYN-ACK offered, which hosts correct afterwards. ACKs captured out of order. A connection whose scale is unknown. " +
			"A window that shrank to 0 and was probed there (zero-window-probe-loop).",
		Peers: "Wireshark does not compare right edges; Zeek calls it window_recision.",
		Refs:  []string{"RFC 9293 3.8.6", "RFC 7323 2.4"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "cut-off", Severity: detectors.Warning, When: "data in flight lay beyond the new edge: the receiver will not take what it had asked for"},
		{Name: "taken-back", Severity: detectors.Info, When: "nothing was in flight there"},
	},
	StartsOn:     fsm.On(fsm.WindowShrunk),
	SubscribesTo: fsm.On(fsm.WindowShrunk),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(windowShrunk) },
	YieldsTo:     []string{"zero-window-probe-loop"},
}

// windowShrunk holds one account per side that takes window back.
type windowShrunk struct{ sides [2]shrinking }

type shrinking struct {
	first   reassembly.Mark // the anchor
	cut     reassembly.Mark // the first that cut off data in flight
	shrinks int
	cuts    int
	most    uint32 // bytes taken back at a time
	cutOff  uint32 // bytes in flight beyond the edge, at most
}

func (w *windowShrunk) Event(ev fsm.Event, r *detectors.Report) {
	s, m := &w.sides[ev.Side], reassembly.MarkOf(ev.Seg)
	if s.shrinks++; s.shrinks == 1 {
		s.first = m
	}
	s.most = max(s.most, ev.N)
	if n := r.Old.CutOff(ev.Side.Peer()); n > 0 {
		if s.cuts++; s.cuts == 1 {
			s.cut = m
		}
		s.cutOff = max(s.cutOff, n)
	}
	s.tell(ev.Side, &m, r)
}

func (w *windowShrunk) End(detectors.Ending, *detectors.Report) {}

// tell reports what side has taken back so far.
func (s *shrinking) tell(side reassembly.Side, last *reassembly.Mark, r *detectors.Report) {
	own, peer := r.Name(side), r.Name(side.Peer())
	outcome := "taken-back"
	evidence := []detectors.Evidence{r.Evidence("window taken back", side, &s.first)}
	if s.cuts > 0 {
		outcome = "cut-off"
		if !detectors.SameFrame(&s.cut, &s.first) {
			evidence = append(evidence, r.Evidence("window taken back from data in flight", side, &s.cut))
		}
	}
	if !detectors.SameFrame(last, &s.first) && !detectors.SameFrame(last, &s.cut) {
		evidence = append(evidence, r.Evidence("window taken back, the last time", side, last))
	}
	f := r.FindNamed(outcome, side, last.At, evidence...)
	f.Roles = []detectors.Role{{Name: "receiver", Side: side}, {Name: "sender", Side: side.Peer()}}
	f.Measure("shrinks", s.shrinks)
	f.Measure("cuts", s.cuts)
	f.Measure("taken_back", int(s.most))
	f.Measure("cut_off", int(s.cutOff))
	f.Message = fmt.Sprintf("%s took back up to %d bytes of the window that it had offered %s (first in frame %d, %d times in all).",
		own, s.most, peer, s.first.Frame, s.shrinks)
	if s.cuts > 0 {
		f.Message += fmt.Sprintf(" %s had up to %d bytes in flight there (frame %d): it sent them as it might, and will have to send them again.",
			peer, s.cutOff, s.cut.Frame)
	} else {
		f.Message += " Nothing was in flight there, so that no harm was done."
	}
	r.Emit(f)
}
