package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AckDelay reports a sender of small segments that waits for each ACK, and a
// receiver that delays it: Nagle meets the delayed ACK. RFC 9293 3.7.4 and
// 3.8.6.3; KB 823764.
var AckDelay = &detectors.Detector{
	Name: "ack-delay",
	Doc: detectors.Doc{
		Title: "small writes wait for delayed ACKs",
		What: "One side sends less than a full segment, and then nothing until it is acknowledged. The other side has nothing to " +
			"say yet and delays its ACK, by 40 ms (Linux, newer Windows), 200 ms (older Windows, BSD) or so, which the round trip of the handshake does " +
			"not explain. The moment the ACK is there, the next small segment follows. Again and again.",
		Cause: "The sending application writes one message in several pieces (write, write, read). Nagle's algorithm holds the second " +
			"back while the first is not acknowledged (RFC 9293 3.7.4), and the receiver, which waits for that second piece, delays the " +
			"ACK of the first in the hope of an answer to send with it (RFC 9293 3.8.6.3). On Windows, an application that waits " +
			"for each send to complete without a send buffer does the same to itself (KB 823764).",
		Action: "Have the sending application write what belongs together at once (one buffer, writev, MSG_MORE), or switch Nagle off " +
			"(TCP_NODELAY). If only the receiver can be changed: TCP_QUICKACK on Linux, TcpAckFrequency=1 on Windows.",
		NotThis: "A path whose round trip is as long: the handshake tells. A delayed ACK that nobody waits for. An answer that takes its " +
			"time: it comes with data. A sender that does send small segments while others are not acknowledged: Nagle is off, and it " +
			"waits for something else.",
		Peers: "Wireshark has no word for it; the gap shows in the time column only.",
		Refs:  []string{"KB 823764", "RFC 9293 3.7.4", "RFC 9293 3.8.6.3", "RFC 896"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "nagle", Severity: detectors.Info, When: "small segments waited for delayed ACKs again and again; a warning where that took a tenth of the time, and a second in all"},
	},
	Params: []detectors.Param{
		{Name: "min-stalls", Default: 5, Min: 2, Max: 1e6, Unit: "", Doc: "times that make a finding"},
	},
	StartsOn:     fsm.On(fsm.NagleDelay),
	SubscribesTo: fsm.On(fsm.NagleDelay, fsm.DataSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(ackDelay) },
}

const (
	costlyWait  = time.Second // lost in all, from here on it is a warning ...
	costlyShare = 0.1         // ... if it is as much of the time that it went on
)

// ackDelay holds one account per direction, by the side that waits.
type ackDelay struct{ sides [2]*waiting }

// waiting is what one side has lost by waiting for delayed ACKs.
type waiting struct {
	first, longest wait
	n              int
	lost           int64
	last           int64           // when it last waited
	small          reassembly.Mark // the last payload, if it was less than a full segment
	next           int             // how many stalls are worth telling anew
	free           bool            // it sent a small segment while another was not acknowledged
}

// A wait is one stall: what was sent, its ACK, and what had waited for that.
type wait struct{ data, ack, held reassembly.Mark }

func (x *wait) lasted() int64 { return x.ack.At - x.data.At }

func (w *ackDelay) Event(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	a := w.sides[side]
	switch ev.Kind {
	case fsm.NagleDelay:
		if a == nil {
			a = new(waiting)
			w.sides[side] = a
		}
		a.waited(&wait{*ev.Was, r.Old.LastSent(side.Peer()), reassembly.MarkOf(ev.Seg)}, side, r)
		a.sent(ev.Seg, side, r)
	case fsm.DataSent:
		if a != nil && !a.free {
			a.sent(ev.Seg, side, r)
		}
	}
}

// waited counts a stall, and tells now and then.
func (a *waiting) waited(x *wait, side reassembly.Side, r *detectors.Report) {
	if a.free {
		return
	}
	if a.n == 0 {
		a.first, a.next = *x, int(r.Value("min-stalls"))
	}
	if x.lasted() > a.longest.lasted() {
		a.longest = *x
	}
	a.n++
	a.lost += x.lasted() - int64(r.Old.Answer(side.Peer()))
	a.last = x.held.At
	if a.n >= a.next {
		a.next = 2 * a.n
		a.tell(side, a.last, r)
	}
}

// sent watches for small segments that did not wait.
func (a *waiting) sent(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	m := reassembly.MarkOf(seg)
	if !r.Old.Small(m.Len) {
		a.small.At = 0
		return
	}
	if a.small.At != 0 && !detectors.SameFrame(&a.small, &m) && !r.Old.Below(side, &a.small) {
		a.free = true
		r.Withdraw(a.first.data.File, a.first.data.Frame)
	}
	a.small = m
}

func (w *ackDelay) End(_ detectors.Ending, r *detectors.Report) {
	for side, a := range w.sides {
		if a != nil && !a.free && a.n >= int(r.Value("min-stalls")) {
			a.tell(reassembly.Side(side), a.last, r)
		}
	}
}

func (a *waiting) tell(side reassembly.Side, at int64, r *detectors.Report) {
	evidence := a.first.evidence(side, r)
	if a.longest.lasted() > a.first.lasted() {
		evidence = append(evidence, a.longest.evidence(side, r)...)
	}
	f := r.FindNamed("nagle", side, at, evidence...)
	f.End = at
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	mean, lasted := a.lost/int64(a.n), at-a.first.data.At
	f.Measure("stalls", a.n)
	f.Measure("lost_s", detectors.Seconds(a.lost))
	f.Measure("delay_s", detectors.Seconds(mean))
	f.Measure("share", float64(a.lost*1000/max(lasted, 1))/1000)
	if a.lost >= int64(costlyWait) && float64(a.lost) >= costlyShare*float64(lasted) {
		f.Severity = detectors.Warning
	}
	f.Message = fmt.Sprintf("%s sent small segments and waited for the ACK of each before it sent the next; %s delayed these ACKs by %s%s. "+
		"That happened %d times and took %s of the %s from frame %d on. The first time, frame %d waited for frame %d.",
		r.Name(side), r.Name(side.Peer()), detectors.Span(mean), timerWords(mean), a.n, detectors.Span(a.lost), detectors.Span(lasted), a.first.data.Frame,
		a.first.held.Frame, a.first.ack.Frame)
	if r.Old.Answer(side.Peer()) == 0 {
		f.Undecide("the capture does not show the handshake, and so not how long the path is: a round trip as long would look the same")
	}
	r.Emit(f)
}

func (x *wait) evidence(side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	return []detectors.Evidence{
		r.Evidence("small segment", side, &x.data),
		r.Evidence("its ACK, "+detectors.Span(x.lasted())+" later", side.Peer(), &x.ack),
		r.Evidence("what had waited for that", side, &x.held),
	}
}

// timerWords names the hosts whose delayed-ACK timer runs for so long.
func timerWords(delay int64) string {
	switch ms := delay / 1e6; {
	case ms >= 35 && ms <= 60:
		return ", as Linux and newer Windows do"
	case ms >= 150 && ms <= 250:
		return ", as older Windows and BSD do"
	}
	return ""
}
