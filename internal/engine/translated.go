package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// isns are the initial sequence numbers of both sides. Two connections in one trace that
// have both of them are one, captured before and after address translation.
type isns [2]reassembly.Seq

// translations makes undecided what was said to be absent from a connection that was captured a
// second time, with an address translated, where there is more of that side: a translation
// that is not undone, or no longer, hides from one what the other shows.
func (c *collector) translations(parts []*partition) {
	wanted := map[uint64][]*found{} // by the position of the connection
	for i := range c.found {
		if f := &c.found[i]; f.Absence != detectors.NoAbsence && f.Verdict == detectors.Seen {
			wanted[f.conn] = append(wanted[f.conn], f)
		}
	}
	if len(wanted) == 0 {
		return
	}
	doubted := map[isns][]*flow.Flow{}
	for _, p := range parts {
		for _, f := range p.flows.All() {
			if len(wanted[f.Position]) > 0 {
				if key, both := isnsOf(f); both {
					doubted[key] = append(doubted[key], f)
				}
			}
		}
	}
	if len(doubted) == 0 {
		return
	}
	best := map[*found]*flow.Flow{} // the first of the trace, whatever the order of the parts
	for _, p := range parts {
		for _, f := range p.flows.All() {
			key, both := isnsOf(f)
			if !both {
				continue
			}
			for _, g := range doubted[key] {
				if !translated(g.Conn.View(), f.Conn.View()) {
					continue
				}
				for _, fd := range wanted[g.Position] {
					if sentMore(f.Conn.View(), g.Conn.View(), fd.Subject) && (best[fd] == nil || f.Position < best[fd].Position) {
						best[fd] = f
					}
				}
			}
		}
	}
	for fd, other := range best {
		v := other.Conn.View()
		fd.other = other.Position
		fd.Translated(v.Endpoint(reassembly.A), v.Endpoint(reassembly.B), v.Last(fd.Subject).Frame)
	}
}

// isnsOf are the connection's, if both SYNs were captured.
func isnsOf(f *flow.Flow) (key isns, both bool) {
	v := f.Conn.View()
	for side := range reassembly.Side(2) {
		if _, captured := v.SYNOptions(side); !captured {
			return key, false
		}
		key[side] = v.Stream(side).ISS
	}
	return key, true
}

// translated reports whether two connections of the same numbers can be one: translation
// changes one end. Small stacks begin with the same numbers each time that they start, so
// that both ends may differ, or none.
func translated(v, w fsm.View) bool {
	return (v.Endpoint(reassembly.A) == w.Endpoint(reassembly.A)) != (v.Endpoint(reassembly.B) == w.Endpoint(reassembly.B))
}

// sentMore reports whether the side has sent in v what is missing in w: data, a FIN or a RST.
func sentMore(v, w fsm.View, side reassembly.Side) bool {
	more, less := v.Stream(side), w.Stream(side)
	by, reset := v.ResetBy()
	_, ended := w.ResetBy()
	return more.Nxt.After(less.Nxt) || reset && by == side && !ended
}
