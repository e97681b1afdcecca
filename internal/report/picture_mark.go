package report

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A mark is what a picture says of a single segment, in the letters of
// Ostermann's tcptrace and xplot where they have one.
type mark uint8

const (
	markSYN mark = iota
	markResent
	markLate
	markKeepAlive
	markUnsure
	markProbe
	markShut
	markFIN
	markRST
	numMarks
)

// markSigns are the letters in the picture, the class that paints them, and
// what they mean.
var markSigns = [numMarks]struct{ sign, class, meaning string }{
	markSYN:       {"SYN", "syn", "SYN"},
	markResent:    {"R", "resent", "retransmission"},
	markLate:      {"O", "late", "out of order"},
	markKeepAlive: {"K", "alive", "keep-alive"},
	markUnsure:    {"K?", "alive", "probe or keep-alive: the window is unknown"},
	markProbe:     {"P", "probe", "zero-window probe"},
	markShut:      {"Z", "shut", "zero window advertised"},
	markFIN:       {"FIN", "fin", "FIN"},
	markRST:       {"RST", "rst", "RST"},
}

// A markSet is a bit for each mark.
type markSet uint16

func (s markSet) has(m mark) bool { return s&(1<<m) != 0 }

// marksOf are the marks of a segment in the picture of its sender's direction.
func marksOf(t *result.Step) (s markSet) {
	switch t.Class {
	case fsm.Retransmission:
		s |= 1 << markResent
	case fsm.OutOfOrder:
		s |= 1 << markLate
	case fsm.KeepAlive:
		s |= 1 << markKeepAlive
	case fsm.Ambiguous:
		s |= 1 << markUnsure
	case fsm.Probe:
		s |= 1 << markProbe
	}
	for _, f := range [...]struct {
		flag reassembly.Flags
		mark mark
	}{{reassembly.SYN, markSYN}, {reassembly.FIN, markFIN}, {reassembly.RST, markRST}} {
		if t.Seg.Flags.Has(f.flag) {
			s |= 1 << f.mark
		}
	}
	return s
}
