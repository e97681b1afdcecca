package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A vigil is one side's repeating itself, data or keep-alives, while its peer
// says nothing.
type vigil struct {
	heard  reassembly.Mark                // the peer's last word before
	first  reassembly.Mark                // the first repeat
	recent [recentRepeats]reassembly.Mark // the last repeats
	n      int                            // repeats in all
	rst    reassembly.Mark                // by which the side ended it

	keepAlives int
	resends    int    // of the oldest byte that is not acknowledged
	least      uint32 // payload of the smallest that was sent again
	small      bool   // a smaller one was sent for the first time since the peer's last word
	interval   int64  // between the last two repeats
	replaced   bool   // a new connection took the four-tuple
}

// recentRepeats is how many of the last repeats are kept as evidence.
const recentRepeats = 3

// smallSegment is what nearly every path lets through (RFC 4821 7.2).
const smallSegment = 1024

// The ways in which a vigil ends, as the metric names them.
const (
	stillTrying = "trying"   // it had not, when the trace ended
	byReset     = "reset"    // by a RST of the side itself
	byGivingUp  = "gave-up"  // the side sends nothing any more
	byReplacing = "replaced" // a new connection took the four-tuple
)

// repeat takes one more repeat.
func (v *vigil) repeat(m *reassembly.Mark) {
	if v.n == 0 {
		v.first = *m
	} else {
		v.interval = m.At - v.last().At
	}
	v.recent[v.n%recentRepeats] = *m
	v.n++
}

// last is the last repeat.
func (v *vigil) last() *reassembly.Mark { return &v.recent[(v.n-1)%recentRepeats] }

// resend takes a repeat of data. RTO sends the oldest segment again (RFC 6298
// 5.4); what else is sent again, as a tail loss probe, is not counted.
func (v *vigil) resend(m *reassembly.Mark, oldest bool) {
	v.repeat(m)
	if v.least == 0 || m.Len < v.least {
		v.least = m.Len
	}
	if oldest {
		v.resends++
	}
}

// onlyLarge says whether all that was sent since the peer's last word is large, for
// all that is known, and nothing as large has ever been acknowledged: a path that
// drops large packets may be all that is wrong.
func (v *vigil) onlyLarge(side reassembly.Side, r *detectors.Report) bool {
	return v.least > smallSegment && !v.small && r.Old.Half(side).Phase < fsm.PhaseFinSent && r.Old.Limits()&(fsm.Midstream|fsm.Holes) == 0 &&
		r.Old.Bytes(side) < uint64(r.Old.Stream(side).InFlight()+v.least)
}

// over reports whether the side itself ended the vigil by a RST.
func (v *vigil) over() bool { return v.rst.At != 0 }

// provenAt is when the peer has had time to answer: patience after the first
// repeat, and a timeout after the last; or after the one before that, where the
// last is to spare.
func (v *vigil) provenAt(patience, rto time.Duration, spare bool) int64 {
	last := v.last()
	if spare {
		last = &v.recent[(v.n-2)%recentRepeats]
	}
	return max(v.first.At+int64(max(patience, 3*rto)), last.At+int64(rto))
}

// givenUpAt is when the next repeat is overdue. sender is when the side last
// sent anything.
func (v *vigil) givenUpAt(sender int64) int64 {
	return sender + max(int64(detectors.MinSilence), int64(detectors.GiveUpFactor*float64(v.interval)))
}

// ending is how it ended, as of trace time now.
func (v *vigil) ending(now, sender int64) string {
	switch {
	case v.over():
		return byReset
	case v.replaced:
		return byReplacing
	case now >= v.givenUpAt(sender):
		return byGivingUp
	}
	return stillTrying
}

// until is the last moment of the vigil, as of trace time now.
func (v *vigil) until(now int64) int64 {
	if v.over() {
		return v.rst.At
	}
	return now
}

// evidence is the first repeat, what the peer had said last, the last repeats,
// and the RST at the end.
func (v *vigil) evidence(side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	all := []detectors.Evidence{r.Evidence(v.role(&v.first, ", the first without an answer"), side, &v.first)}
	if v.heard.At != 0 {
		all = append(all, r.Evidence("the last that was heard of the peer", side.Peer(), &v.heard))
	}
	for i := max(1, v.n-recentRepeats); i < v.n; i++ {
		m := &v.recent[i%recentRepeats]
		all = append(all, r.Evidence(v.role(m, ""), side, m))
	}
	if v.over() {
		all = append(all, r.Evidence("RST, with which it gave up", side, &v.rst))
	}
	return all
}

func (v *vigil) role(m *reassembly.Mark, more string) string {
	if m.Len <= 1 && v.keepAlives > 0 {
		return "keep-alive" + more
	}
	return "data sent again" + more
}

// ended says in words how the vigil of the named side ended.
func (v *vigil) ended(name string, now, sender int64) string {
	switch v.ending(now, sender) {
	case byReset:
		return fmt.Sprintf("Then %s ended the connection with RST (frame %d).", name, v.rst.Frame)
	case byReplacing:
		return "Then a new connection took its place."
	case byGivingUp:
		return "Then " + name + " gave up without a word: it has sent nothing for " + detectors.Span(now-sender) + "."
	}
	return name + " was still trying when the capture ended."
}
