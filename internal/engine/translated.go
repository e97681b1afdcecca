package engine

import (
	"maps"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
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
	doubted := map[isns][]stats.Opening{}
	for _, p := range parts {
		for _, f := range p.flows.Uncompacted { // the others have no findings
			if len(wanted[f.Position]) > 0 {
				if key, both := isnsOf(f); both {
					doubted[key] = append(doubted[key], openingOf(f))
				}
			}
		}
	}
	maps.DeleteFunc(doubted, func(_ isns, all []stats.Opening) bool { return len(all) > sameNumbers })
	if len(doubted) == 0 {
		return
	}
	var numbers flow.Numbers
	for iss := range doubted {
		numbers.Add(iss[reassembly.A])
	}
	best := map[*found]stats.Opening{} // the first of the trace, whatever the order of the parts
	look := func(o *stats.Opening) {
		for i := range doubted[o.ISS] {
			g := &doubted[o.ISS][i]
			if !translated(g, o) {
				continue
			}
			for _, fd := range wanted[g.Position] {
				if known, is := best[fd]; sentMore(o, g, fd.Subject) && (!is || o.Position < known.Position) {
					best[fd] = *o
				}
			}
		}
	}
	alike := make([][]stats.Opening, len(parts))
	c.options.each(parts, func(i int) {
		for _, f := range parts[i].flows.AllWith(&numbers, func(_ *[2]reassembly.Endpoint, iss *[2]reassembly.Seq) bool { return len(doubted[*iss]) > 0 }) {
			if _, both := isnsOf(f); both {
				alike[i] = append(alike[i], openingOf(f))
			}
		}
	})
	for i := range alike {
		for k := range alike[i] {
			look(&alike[i][k])
		}
	}
	for i := range c.trace.Openings {
		if o := &c.trace.Openings[i]; o.SYNs {
			look(o)
		}
	}
	for fd, o := range best {
		fd.other = o.Position
		fd.Translated(o.End[reassembly.A], o.End[reassembly.B], o.Last[fd.Subject])
	}
}

// sameNumbers is how many connections with such findings may begin with the same numbers: more
// are those of a stack that always does, where these tell nothing. Each would have to be compared with all others, a
// million in a flood.
const sameNumbers = 64

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
func translated(v, w *stats.Opening) bool {
	return (v.End[reassembly.A] == w.End[reassembly.A]) != (v.End[reassembly.B] == w.End[reassembly.B])
}

// sentMore reports whether the side has sent in v what is missing in w: data, a FIN or a RST.
func sentMore(v, w *stats.Opening, side reassembly.Side) bool {
	return v.Nxt[side].After(w.Nxt[side]) || v.Reset && v.ResetBy == side && !w.Reset
}
