package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// scans finds out who scans ports, if findings ask for it.
func (c *collector) scans(parts []*partition) {
	if c.trace.Counts.Known {
		return // of all of the trace
	}
	for i := range c.found {
		if f := &c.found[i]; f.Refusal && f.Verdict == detectors.Seen {
			c.counts.Scans = scansOf(parts, func(p *partition) func(func(*flow.Flow)) {
				return func(each func(*flow.Flow)) { p.flows.CompactsOfPorts(namesPorts, each) } // what was refused has a finding
			})
			return
		}
	}
}

// allScans are the port scans of a trace without findings.
func allScans(parts []*partition) stats.Scans {
	return scansOf(parts, func(p *partition) func(func(*flow.Flow)) { return p.flows.Compacts })
}

// scansOf are the port scans of the trace. Of the connections that are compacted, it looks at those that compacts goes through.
func scansOf(parts []*partition, compacts func(*partition) func(func(*flow.Flow))) (s stats.Scans) {
	for _, p := range parts {
		s.Add(&p.counts.Scans)
		for _, f := range p.flows.Uncompacted {
			countTry(&s, &f.Conn)
		}
	}
	if s.MaySweep() { // unless servers took most of the client's connections
		compacts = func(p *partition) func(func(*flow.Flow)) { return p.flows.Compacts }
	}
	for _, p := range parts {
		compacts(p)(func(f *flow.Flow) { countTry(&s, &f.Conn) })
	}
	s.Only()
	return s
}

// countTry counts a connection that was refused or not, or in which one side may have told the other where to connect to.
func countTry(s *stats.Scans, c *fsm.Conn) {
	a, b := c.Endpoint(reassembly.A), c.Endpoint(reassembly.B)
	if namesPorts(b.Port) && c.Bytes(reassembly.A) > 0 && c.Bytes(reassembly.B) > 0 {
		s.Tell(a, b)
	}
	switch {
	case wasRefused(c):
		s.Refuse(a, b)
	case c.Packets(reassembly.B) > 0:
		if _, known := c.Opener(); known {
			s.Take(a, b)
		}
	}
}

// wasRefused reports whether a RST answered the connection's SYN, and nothing else did.
func wasRefused(c *fsm.Conn) bool {
	_, reset := c.ResetBy()
	return reset && c.View().Phase(reassembly.A) == fsm.PhaseOpening && c.View().Phase(reassembly.B) == fsm.PhaseIdle
}

// scanned says of a refusal that it is one of a port scan.
func scanned(f *detectors.Finding, s *stats.Scans) {
	if !f.Refusal || f.Verdict != detectors.Seen {
		return
	}
	rst := &f.Evidence[0].Seg
	if n := s.Scanned(rst.Dst, rst.Src); n > 0 {
		f.OfScan(rst.Dst, n)
	} else if n := s.Swept(rst.Dst, rst.Src); n > 0 {
		f.OfSweep(rst.Dst, rst.Src.Port, n)
	}
}

// namesPorts reports whether the port is that of a protocol in which one side tells the other where to connect to: FTP, also in
// TLS (RFC 959 3.2), RPC port mappers (RFC 1833, MS-RPCE 2.1.1.1), RTSP, Java RMI, H.323, SIP.
func namesPorts(port uint16) bool {
	switch port {
	case 21, 111, 135, 554, 990, 1099, 1720, 5060, 8554:
		return true
	}
	return false
}
