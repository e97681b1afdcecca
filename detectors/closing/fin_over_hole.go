package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FINOverHole reports a FIN that lies beyond bytes which the peer lacks and
// which are never sent again: the stream ends with a hole in it. RFC 9293
// 3.10.7.4; RFC 6298 5.4.
var FINOverHole = &detectors.Detector{
	Name: "fin-over-hole",
	Doc: detectors.Doc{
		Title: "a stream was closed with bytes missing that never came",
		What: "One side sends data and FIN. The peer goes on acknowledging what comes before a hole in them: it lacks something, and says so " +
			"(a duplicate ACK, or SACK). Those bytes never come, though the capture goes on for more than three retransmission timeouts (six seconds at least).",
		Cause: "The sender went away right after closing, so that nobody was left to retransmit; or its TCP forgets what it has sent once it " +
			"is closed; or it does retransmit, and something before the capture point drops just these segments.",
		Action: "Capture on the sender's own interface: if the bytes are sent again there, look for what drops them on the way; if not, look at the " +
			"sender: did it lose power, or its address, or is its stack at fault? The receiver's application has an incomplete stream and waits: check what it stored.",
		NotThis: "A hole that a retransmission fills: loss as usual. A hole in the capture alone: the peer acknowledges all. A peer that says nothing: " +
			"dead-peer. A FIN with nothing missing before it: unretransmitted-fin, fin-unanswered.",
		Peers: "Wireshark shows \"Previous segment not captured\" and duplicate ACKs, and does not say that the gap was never filled; Zeek logs a content gap.",
		Refs:  []string{"RFC 9293 3.10.7.4", "RFC 6298 5.4", "RFC 5681 4.2"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "abandoned", Severity: detectors.Warning, When: "the sender sent nothing more of its stream"},
		{Name: "fin-only", Severity: detectors.Warning, When: "the sender repeats its FIN, but not the bytes before it",
			Cause: "The sender lives and does retransmit, yet of its segments only the small ones arrive at the capture point: a link with a smaller MTU before it " +
				"(a path-MTU black hole), or a middlebox that drops the others; or its TCP has thrown the data away and kept the FIN.",
			Action: "Capture on the sender's own interface. If the bytes are sent again there, test the path with large packets (ping -M do -s 1472) and mend or clamp the " +
				"MSS; if not, the sender's stack is at fault."},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 6, Min: 1, Max: 3600, Unit: "s", Doc: "how long to wait for the bytes at least; three RTO if that is longer"},
	},
	StartsOn:     fsm.On(fsm.FinOverHole),
	SubscribesTo: fsm.On(fsm.FinOverHole, fsm.Advanced, fsm.DataSent, fsm.DataResent, fsm.FinResent, fsm.SentBeyondFin, fsm.WindowOpened, fsm.ResetSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(finOverHole) },
}

type finOverHole struct{ sides [2]holedFIN }

// A holedFIN is one side's FIN while the peer lacks something before it.
type holedFIN struct {
	open  bool
	told  bool
	ack   reassembly.Mark // the first that says so: the anchor
	fin   reassembly.Mark // where it was the side's last segment by then
	again reassembly.Mark // the latest repeat of the FIN
	last  reassembly.Mark // the latest ACK that says so
	acks  int
	busy  int64 // when the side was last seen to do something about it
}

func (w *finOverHole) Event(ev fsm.Event, r *detectors.Report) {
	f := &w.sides[ev.Side]
	switch ev.Kind {
	case fsm.FinOverHole:
		w.lacks(ev, r)
	case fsm.Advanced, fsm.DataSent, fsm.DataResent:
		w.filled(ev.Side, ev.Seg.At, r)
	case fsm.FinResent:
		f.again = reassembly.MarkOf(ev.Seg)
	case fsm.SentBeyondFin:
		w.drop(ev.Side, r)
	case fsm.WindowOpened:
		w.filled(ev.Side.Peer(), ev.Seg.At, r)
	case fsm.ResetSent: // what is said stands: nothing filled the hole
		for side := range w.sides {
			w.sides[side].open = false
		}
	}
}

// lacks takes an ACK that repeats what the peer lacks.
func (w *finOverHole) lacks(ev fsm.Event, r *detectors.Report) {
	f := &w.sides[ev.Side]
	if _, over := r.Old.ResetBy(); over {
		return
	}
	f.last = reassembly.MarkOf(ev.Seg)
	f.acks++
	if f.open {
		return
	}
	*f = holedFIN{open: true, ack: f.last, last: f.last, acks: 1, busy: ev.Seg.At}
	if last := r.Old.LastSent(ev.Side); last.Flags&reassembly.FIN != 0 {
		f.fin = last
	}
	r.WakeAt(w.deadline(ev.Side, r))
}

// filled notes that the side did something about the hole, or could not until
// now: the wait begins anew.
func (w *finOverHole) filled(side reassembly.Side, at int64, r *detectors.Report) {
	f := &w.sides[side]
	if !f.open {
		return
	}
	if n, _ := r.Old.LackingBeforeFIN(side); n == 0 {
		w.drop(side, r)
		return
	}
	if f.told {
		r.Withdraw(f.ack.File, f.ack.Frame)
		f.told = false
	}
	f.busy = at
	r.WakeAt(w.deadline(side, r))
}

func (w *finOverHole) drop(side reassembly.Side, r *detectors.Report) {
	f := &w.sides[side]
	if f.told {
		r.Withdraw(f.ack.File, f.ack.Frame)
	}
	*f = holedFIN{}
}

// deadline is when the bytes are overdue.
func (w *finOverHole) deadline(side reassembly.Side, r *detectors.Report) int64 {
	patience := max(time.Duration(r.Value("patience")*float64(time.Second)), 3*r.Old.RTO(side))
	return w.sides[side].busy + int64(patience)
}

// Due tells of bytes that are overdue.
func (w *finOverHole) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if f := &w.sides[side]; f.open && !f.told {
			if at := w.deadline(side, r); at > now {
				r.WakeAt(at)
			} else {
				w.judge(side, now, r)
			}
		}
	}
}

func (w *finOverHole) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if f := &w.sides[side]; f.open {
			w.judge(side, e.At, r)
		}
	}
}

// judge tells of the hole before the side's FIN as it stands at trace time now,
// if the side is free to fill it.
func (w *finOverHole) judge(side reassembly.Side, now int64, r *detectors.Report) {
	f := &w.sides[side]
	n, unseen := r.Old.LackingBeforeFIN(side)
	if n == 0 || r.Old.WindowShut(side.Peer()) {
		return
	}
	f.told = true
	outcome := "abandoned"
	evidence := []detectors.Evidence{r.Evidence("lacks what precedes the FIN", side.Peer(), &f.ack)}
	if f.fin.At != 0 {
		evidence = append(evidence, r.Evidence("FIN", side, &f.fin))
	}
	if f.again.At > f.ack.At {
		outcome = "fin-only"
		evidence = append(evidence, r.Evidence("FIN again, without it", side, &f.again))
	}
	if !detectors.SameFrame(&f.last, &f.ack) {
		evidence = append(evidence, r.Evidence("still lacks it", side.Peer(), &f.last))
	}
	found := r.FindNamed(outcome, side, min(now, w.deadline(side, r)), evidence...)
	found.States = r.StatesNow(now)
	found.End = now
	found.Roles = []detectors.Role{{Name: "closer", Side: side}, {Name: "peer", Side: side.Peer()}}
	found.Measure("lacking_bytes", int(n))
	found.Measure("acks", f.acks)
	found.Measure("waited_s", detectors.Seconds(now-f.busy))
	found.Message = w.message(side, outcome, n, unseen, now, r)
	if early := w.deadline(side, r) - now; early > 0 {
		found.Undecide(fmt.Sprintf("the capture ends %s before the bytes would be overdue", detectors.Span(early)))
	} else {
		r.Absence(&found, f.ack.At)
	}
	r.Emit(found)
}

func (w *finOverHole) message(side reassembly.Side, outcome string, n uint32, unseen bool, now int64, r *detectors.Report) string {
	f := &w.sides[side]
	own, peer := r.Name(side), r.Name(side.Peer())
	m := fmt.Sprintf("%s closed, and %s lacks something of the last %d bytes before the FIN (frame %d): ", own, peer, n, f.ack.Frame)
	if unseen {
		m += "they never reached the capture point."
	} else {
		m += "they passed the capture point once and were lost behind it."
	}
	m += fmt.Sprintf(" In the %s since, nothing of them was sent again", detectors.Span(now-f.busy))
	if outcome == "fin-only" {
		m += fmt.Sprintf(", though the FIN was (frame %d)", f.again.Frame)
	}
	return m + fmt.Sprintf(". The stream that %s has ends before them.", peer)
}
