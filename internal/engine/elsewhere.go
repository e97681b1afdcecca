package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/stats"
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
	others := map[*found]stats.Opening{} // the earliest
	look := func(o *stats.Opening) {
		for _, fd := range wanted[synOf(o)] {
			if known, is := others[fd]; o.Position != fd.conn && bearsOn(o, fd.Finding) && (!is || o.Position < known.Position) {
				others[fd] = *o
			}
		}
	}
	for _, p := range parts {
		for _, f := range p.flows.AllWith(func(ends *[2]reassembly.Endpoint, iss *[2]reassembly.Seq) bool {
			return len(wanted[detectors.SYNKey{Client: ends[reassembly.A], ISN: iss[reassembly.A]}]) > 0
		}) {
			o := openingOf(f)
			look(&o)
		}
	}
	for i := range c.trace.Openings {
		look(&c.trace.Openings[i])
	}
	for fd, o := range others {
		fd.other = o.Position
		restsOn(fd.Finding, &o)
	}
}

// restsOn tells a finding that the other connection began with the SYN on which it rests.
func restsOn(fd *detectors.Finding, o *stats.Opening) {
	if server := o.End[reassembly.B]; server == fd.Evidence[0].Seg.Dst {
		fd.AnsweredTwice()
	} else {
		fd.SentElsewhere(server, o.Last[reassembly.A])
	}
}

// synOf names the SYN of the connection.
func synOf(o *stats.Opening) detectors.SYNKey {
	return detectors.SYNKey{Client: o.End[reassembly.A], ISN: o.ISS[reassembly.A]}
}

// bearsOn reports whether another connection, which begins with the same SYN, says something
// about the finding: nobody answered at that address, or it is another connection of
// the same addresses, and opened.
func bearsOn(o *stats.Opening, fd *detectors.Finding) bool {
	if o.End[reassembly.B] == fd.Evidence[0].Seg.Dst {
		return o.Answered
	}
	return o.Waits
}
