package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// elsewhere tells findings that rest on a SYN what else became of that: connections know
// nothing of each other until the end.
func (c *collector) elsewhere(parts []*partition) {
	var wanted map[detectors.SYNKey][]*found
	for i := range c.found {
		if f := &c.found[i]; f.SYN != nil && f.Verdict == detectors.Seen {
			if wanted == nil {
				wanted = map[detectors.SYNKey][]*found{}
			}
			wanted[*f.SYN] = append(wanted[*f.SYN], f)
		}
	}
	if wanted == nil {
		return
	}
	others := map[*found]*flow.Flow{} // the earliest
	for _, p := range parts {
		for _, f := range p.flows.All() {
			for _, fd := range wanted[synOf(f)] {
				if o := others[fd]; bearsOn(f, fd) && (o == nil || f.Position < o.Position) {
					copied := *f // one that rests is valid until the next only
					others[fd] = &copied
				}
			}
		}
	}
	for fd, f := range others {
		fd.other = f.Position
		v := f.Conn.View()
		if server := v.Endpoint(reassembly.B); server == fd.Evidence[0].Seg.Dst {
			fd.AnsweredTwice()
		} else {
			fd.SentElsewhere(server, v.Last(reassembly.A).Frame)
		}
	}
}

// synOf names the SYN of the connection.
func synOf(f *flow.Flow) detectors.SYNKey {
	v := f.Conn.View()
	return detectors.SYNKey{Client: v.Endpoint(reassembly.A), ISN: v.Stream(reassembly.A).ISS}
}

// bearsOn reports whether the connection, which begins with the same SYN, says something
// about the finding: nobody answered at that address, or it is another connection of
// the same addresses, and opened.
func bearsOn(f *flow.Flow, fd *found) bool {
	if f.Position == fd.conn {
		return false
	}
	v := f.Conn.View()
	if v.Endpoint(reassembly.B) == fd.Evidence[0].Seg.Dst {
		return v.Phase(reassembly.B) >= fsm.PhaseOpen
	}
	return f.Conn.AwaitsAnswer(reassembly.A)
}
