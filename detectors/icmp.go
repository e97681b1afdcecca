package detectors

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An ICMPErrors is what ICMP errors say about the segments of one side: the latest of a
// kind, and how many said the same. The zero value is none. Its methods accept nil.
type ICMPErrors struct {
	First, Last reassembly.Segment // the quotes: see reassembly.Segment.IsQuote
	N           int
}

// Add takes a quote. One that says something else than those before takes their place.
func (e *ICMPErrors) Add(quote *reassembly.Segment) {
	if e.N == 0 || e.First.ICMP != quote.ICMP || e.First.Reporter() != quote.Reporter() {
		*e = ICMPErrors{First: *quote}
	}
	e.Last = *quote
	e.N++
}

// Since are the errors if any came at or after trace time at, else nil.
func (e *ICMPErrors) Since(at int64) *ICMPErrors {
	if e == nil || e.N == 0 || e.Last.At < at {
		return nil
	}
	return e
}

// Evidence are the first of the errors and the last.
func (e *ICMPErrors) Evidence() []Evidence {
	if e == nil || e.N == 0 {
		return nil
	}
	role := "ICMP from " + e.First.ReporterName() + ": " + e.First.ICMPName()
	all := []Evidence{{role, e.First}}
	if e.N > 1 {
		all = append(all, Evidence{role, e.Last})
	}
	return all
}

// Sentence says who told the named side what, and how often: "10.0.0.1 told
// 192.0.2.1:80 3 times by ICMP: host unreachable (frames 4 to 9)."
func (e *ICMPErrors) Sentence(side string) string {
	often, frames := "", fmt.Sprintf("frame %d", e.First.Frame)
	if e.N > 1 {
		often, frames = " "+Times(e.N), fmt.Sprintf("frames %d to %d", e.First.Frame, e.Last.Frame)
	}
	return fmt.Sprintf("%s told %s%s by ICMP: %s (%s).", e.First.ReporterName(), side, often, e.First.ICMPName(), frames)
}

// FromPeer reports whether the host that the segments were sent to has rejected them itself. One that says that the host
// cannot be reached is another, at its address: a NAT or a router that forwards them.
func (e *ICMPErrors) FromPeer() bool {
	return e != nil && e.N > 0 && e.First.Reporter() == e.First.Dst.Addr && !e.First.Unreachable()
}

// Meaning says what to make of the errors, about the path from one named side to the
// other.
func (e *ICMPErrors) Meaning(from, to string) string {
	own := e.FromPeer()
	switch q := &e.First; {
	case q.RefusesSource() && q.Reporter() != q.Dst.Addr:
		return fmt.Sprintf("It refuses the source address of these packets, not the way to %s: with another address of the same host, they may pass.", to)
	case q.Prohibited() && own:
		return fmt.Sprintf("A rule on %s itself rejects these packets.", to)
	case q.Prohibited():
		return fmt.Sprintf("A firewall or router between %s and %s rejects these packets.", from, to)
	case q.Expired():
		return fmt.Sprintf("Routers send these packets in a circle (a routing loop), or the path from %s to %s is longer than their time to live.", from, to)
	case q.Reporter() == q.Dst.Addr && q.Unreachable():
		return fmt.Sprintf("What has the address of %s cannot deliver the packets: a NAT or router there forwards them to a host that does not answer, or that it has no route to.", to)
	case own:
		return fmt.Sprintf("%s is up, and refuses these packets.", to)
	case q.TooBig():
		return fmt.Sprintf("The path from %s to %s carries only smaller packets.", from, to)
	}
	return fmt.Sprintf("The path from %s ends there: it does not reach %s.", from, to)
}

// Measure adds to the metrics of a finding what was reported, and how often. Who did is
// an address, which belongs into sentences.
func (e *ICMPErrors) Measure(f *Finding) {
	if e == nil || e.N == 0 {
		return
	}
	f.Measure("icmp", e.First.ICMPName())
	f.Measure("icmp_errors", e.N)
}
