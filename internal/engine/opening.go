package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// openingOf is what other connections need to know of this one.
func openingOf(f *flow.Flow) stats.Opening {
	v := f.Conn.View()
	o := stats.Opening{Position: f.Position, SYNs: true, Answered: v.Phase(reassembly.B) >= fsm.PhaseOpen, Waits: f.Conn.AwaitsAnswer(reassembly.A)}
	for side := range reassembly.Side(2) {
		s := v.Stream(side)
		o.End[side], o.ISS[side], o.Nxt[side], o.Last[side] = v.Endpoint(side), s.ISS, s.Nxt, v.Last(side).Frame
		_, captured := v.SYNOptions(side)
		o.SYNs = o.SYNs && captured
	}
	o.ResetBy, o.Reset = v.ResetBy()
	return o
}

// An Opened is a connection of a trace that was split, which began like another.
type Opened struct {
	Tuple uint64
	stats.Opening
}

// openings are the connections that began with the same number as one of another four-tuple,
// in order, and those that are known of other parts of the trace. Most initial sequence
// numbers come once, so that few remain.
func openings(parts []*partition, known []stats.Opening) (all []Opened) {
	for i := range known {
		o := &known[i]
		all = append(all, Opened{Tuple(&reassembly.Segment{Src: o.End[0], Dst: o.End[1]}), *o})
	}
	var numbers []reassembly.Seq
	for _, p := range parts {
		for _, f := range p.flows.All() {
			numbers = append(numbers, f.Conn.View().Stream(reassembly.A).ISS)
		}
	}
	slices.Sort(numbers)
	again := numbers[:0]
	for i, n := range numbers {
		if i > 0 && n == numbers[i-1] && (len(again) == 0 || again[len(again)-1] != n) {
			again = append(again, n)
		}
	}
	for _, p := range parts {
		for _, f := range p.flows.All() {
			if _, is := slices.BinarySearch(again, f.Conn.View().Stream(reassembly.A).ISS); is {
				k := f.Conn.Key()
				all = append(all, Opened{Tuple(&reassembly.Segment{Src: k.Lo, Dst: k.Hi}), openingOf(f)})
			}
		}
	}
	sorting.Stable(all, func(a, b Opened) int { return cmp.Compare(a.Position, b.Position) })
	return slices.CompactFunc(all, func(a, b Opened) bool { return a.Position == b.Position })
}
