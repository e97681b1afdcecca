package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// elsewhere tells findings that rest on a SYN what else became of that: connections know
// nothing of each other until the end.
func (c *collector) elsewhere(parts []*partition) {
	var wanted map[detectors.SYNKey][]*found
	var numbers flow.Numbers
	for i := range c.found {
		if f := &c.found[i]; f.SYN != nil && f.Verdict == detectors.Seen {
			if wanted == nil {
				wanted = map[detectors.SYNKey][]*found{}
			}
			wanted[*f.SYN] = append(wanted[*f.SYN], f)
			numbers.Add(f.SYN.ISN)
		}
	}
	if wanted == nil {
		return
	}
	others := map[*found]*sameSYN{}
	look := func(o *stats.Opening) {
		for _, fd := range wanted[synOf(o)] {
			if o.Position == fd.conn {
				continue
			}
			if others[fd] == nil {
				others[fd] = new(sameSYN)
			}
			others[fd].add(o, fd.Finding)
		}
	}
	for _, p := range parts {
		for _, f := range p.flows.AllWith(&numbers, func(ends *[2]reassembly.Endpoint, iss *[2]reassembly.Seq) bool {
			return len(wanted[detectors.SYNKey{Client: ends[reassembly.A], ISN: iss[reassembly.A]}]) > 0
		}) {
			o := openingOf(f)
			look(&o)
		}
	}
	for i := range c.trace.Openings {
		look(&c.trace.Openings[i])
	}
	for fd, same := range others {
		if o := same.tell(fd.Finding); o != nil {
			fd.other = o.Position
		}
	}
}

// sameSYN are the other connections that began with the SYN on which a finding rests.
type sameSYN struct {
	twice, elsewhere stats.Opening // the earliest of the same addresses that opened, and of another server that did not answer
	before           stats.Opening // the latest of the same addresses that did not open, though the SYN was answered
	server           reassembly.Endpoint
	asked, several   bool // another server was, or several were
}

func (s *sameSYN) add(o *stats.Opening, fd *detectors.Finding) {
	own, server := fd.Evidence[0].Seg.Dst, o.End[reassembly.B]
	if server == own {
		if o.Answered && (s.twice == stats.Opening{} || o.Position < s.twice.Position) {
			s.twice = *o
		}
		if !o.Answered && o.SYNs && (s.before == stats.Opening{} || o.Position > s.before.Position) {
			s.before = *o
		}
		return
	}
	s.several = s.several || s.asked && s.server != server
	s.server, s.asked = server, true
	if o.Waits && server.Addr != own.Addr && (s.elsewhere == stats.Opening{} || o.Position < s.elsewhere.Position) {
		s.elsewhere = *o
	}
}

// tell tells the finding of the one that bears on it, if any does. A port scan sends one SYN to
// many: that is no translation.
func (s *sameSYN) tell(fd *detectors.Finding) *stats.Opening {
	twice, elsewhere := s.twice != stats.Opening{}, s.elsewhere != stats.Opening{} && !s.several
	switch {
	case twice && (!elsewhere || s.twice.Position < s.elsewhere.Position):
		fd.AnsweredTwice()
		return &s.twice
	case elsewhere:
		fd.SentElsewhere(s.elsewhere.End[reassembly.B], s.elsewhere.Last[reassembly.A])
		return &s.elsewhere
	case s.before != stats.Opening{}:
		fd.AskedBefore(s.before.Last[reassembly.A])
		return &s.before
	}
	return nil
}

// synOf names the SYN of the connection.
func synOf(o *stats.Opening) detectors.SYNKey {
	return detectors.SYNKey{Client: o.End[reassembly.A], ISN: o.ISS[reassembly.A]}
}
