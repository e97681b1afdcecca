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
			c.counts.Scans = foundScans(parts)
			return
		}
	}
}

// foundScans are the port scans of a trace whose refusals have findings: none of those is compacted.
func foundScans(parts []*partition) stats.Scans {
	s := scansSoFar(parts)
	for _, p := range parts {
		p.flows.CompactsOfPorts(namesPorts, func(f *flow.Flow) { countTold(&s, &f.Conn) })
	}
	countTaken(parts, &s)
	s.Only()
	return s
}

// allScans are the port scans of a trace without findings.
func allScans(parts []*partition) stats.Scans {
	s := scansSoFar(parts)
	for _, p := range parts {
		for f := range p.flows.Compacts {
			countRefused(&s, &f.Conn)
		}
	}
	countTaken(parts, &s)
	s.Only()
	return s
}

// scansSoFar counts the connections that are over, and who was refused, or told where to connect to, in those that are not compacted.
func scansSoFar(parts []*partition) (s stats.Scans) {
	for _, p := range parts {
		s.Add(&p.counts.Scans)
		for _, f := range p.flows.Uncompacted {
			countRefused(&s, &f.Conn)
		}
	}
	return s
}

// countTaken counts the connections that servers took, if some client seems to sweep; no more of them than show that none does.
func countTaken(parts []*partition, s *stats.Scans) {
	const often = 1 << 10
	n := 0
	for _, p := range parts {
		for _, f := range p.flows.All() {
			if n%often == 0 && !s.MaySweep() {
				return
			}
			countTake(s, &f.Conn)
			n++
		}
	}
}

// countTry counts a connection that is over.
func countTry(s *stats.Scans, c *fsm.Conn) {
	countRefused(s, c)
	countTake(s, c)
}

// countRefused counts a connection that was refused, or in which one side may have told the other where to connect to.
func countRefused(s *stats.Scans, c *fsm.Conn) {
	countTold(s, c)
	if wasRefused(c) {
		s.Refuse(c.Endpoint(reassembly.A), c.Endpoint(reassembly.B))
	}
}

// countTold counts a connection in which one side may have told the other where to connect to.
func countTold(s *stats.Scans, c *fsm.Conn) {
	if a, b := c.Endpoint(reassembly.A), c.Endpoint(reassembly.B); namesPorts(b.Port) && c.Bytes(reassembly.A) > 0 && c.Bytes(reassembly.B) > 0 {
		s.Tell(a, b)
	}
}

// countTake counts a connection that its server took.
func countTake(s *stats.Scans, c *fsm.Conn) {
	if _, known := c.Opener(); known && c.Packets(reassembly.B) > 0 && !wasRefused(c) {
		s.Take(c.Endpoint(reassembly.A), c.Endpoint(reassembly.B))
	}
}

// wasRefused reports whether a RST answered the connection's SYN, and nothing else did.
func wasRefused(c *fsm.Conn) bool {
	_, reset := c.ResetBy()
	return reset && c.View().Phase(reassembly.A) == fsm.PhaseOpening && c.View().Phase(reassembly.B) == fsm.PhaseIdle
}

// refusesUnseen reports whether the segment, with which a connection begins, is a RST with ACK and the number 0: it answers a segment without
// ACK (RFC 9293 3.10.7.1), a SYN that was not captured.
func refusesUnseen(seg *reassembly.Segment) bool {
	return seg.Seq == 0 && seg.Flags.Has(reassembly.RST|reassembly.ACK)
}

// scanned says of a refusal that it is one of a port scan, and of a SYN without an answer, or with an ICMP error, that others refused the same
// client at that port, by a RST each.
func scanned(f *detectors.Finding, s *stats.Scans) {
	if f.Verdict != detectors.Seen || !f.Refusal && !f.Tried {
		return
	}
	rst := &f.Evidence[0].Seg
	if f.Tried { // the SYN
		if n := s.SweptPort(rst.Src, rst.Dst.Port); n > 0 {
			f.OfSweep(rst.Src, rst.Dst.Port, n)
		}
		return
	}
	if n := s.Scanned(rst.Dst, rst.Src); n > 0 {
		_, often := s.Scanning(stats.Pair{Client: rst.Dst.Addr, Server: rst.Src.Addr})
		f.OfScan(rst.Dst, n, often)
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
