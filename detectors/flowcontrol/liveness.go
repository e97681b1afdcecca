package flowcontrol

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// liveness is when each side last sent anything, and last sent what its peer must
// answer. A side that leaves that unanswered may be gone.
type liveness struct{ sent, asked [2]int64 }

// note notes a segment that its side really sent.
func (l *liveness) note(ev fsm.Event) {
	l.sent[ev.Side] = ev.Seg.At
	if ev.Seg.SeqLen() > 0 || ev.Class == fsm.KeepAlive {
		l.asked[ev.Side] = ev.Seg.At
	}
}

// doubt makes a finding undecided that says what the side does not do, if by trace
// time now the side may be gone.
func (l *liveness) doubt(f *detectors.Finding, side reassembly.Side, now int64, r *detectors.Report) {
	asked := l.asked[side.Peer()]
	if f.Verdict == detectors.Seen && asked > l.sent[side] && now-asked > int64(r.Conn.RTO(side.Peer())) {
		f.Undecide(fmt.Sprintf("what the receiver sent %s before was not answered either: the sender may be gone", detectors.Span(now-asked)))
	}
}
