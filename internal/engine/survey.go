package engine

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// survey counts the connections by what they show of the capture that they are
// in: where it was taken, and what it left out.
type survey struct {
	flows    uint64
	oneSided uint64
	lossy    uint64
	filtered uint64
	cut      uint64
	oversize uint64
	biggest  struct { // the first sender of a segment larger than the wire can have had
		ordinal uint64
		host    reassembly.Endpoint
	}
}

func (s *survey) count(f *flow) {
	l := f.conn.Limits()
	s.flows++
	for _, c := range [...]struct {
		limit fsm.Limits
		n     *uint64
	}{{fsm.OneSided, &s.oneSided}, {fsm.Holes, &s.lossy}, {fsm.AcksFiltered, &s.filtered}, {fsm.CutOptions, &s.cut}} {
		if l&c.limit != 0 {
			*c.n++
		}
	}
	for side := range reassembly.Side(2) {
		if f.conn.Oversize(side) {
			s.oversize++
			s.bigger(f.ordinal, f.conn.Endpoint(side))
			break
		}
	}
}

func (s *survey) bigger(ordinal uint64, host reassembly.Endpoint) {
	if b := &s.biggest; b.ordinal == 0 || ordinal < b.ordinal {
		b.ordinal, b.host = ordinal, host
	}
}

func (s *survey) add(t *survey) {
	s.flows += t.flows
	s.oneSided += t.oneSided
	s.lossy += t.lossy
	s.filtered += t.filtered
	s.cut += t.cut
	s.oversize += t.oversize
	if t.biggest.ordinal != 0 {
		s.bigger(t.biggest.ordinal, t.biggest.host)
	}
}

// notes say, once for the whole capture, what many connections share: it does
// not make a fault of any of them.
func (c *collector) notes(parts []*partition) []result.Note {
	var s survey
	for _, p := range parts {
		s.add(&p.survey)
	}
	segments, flows := c.tally.segments, s.flows
	filtered := s.filtered
	for rank := range c.fins.sent {
		if c.hidesACKs(rank) {
			filtered = max(filtered, c.fins.sent[rank])
		}
	}
	host := s.biggest.host.AddrPort().Addr()
	var notes []result.Note
	for _, n := range [...]struct {
		name    string
		some    uint64
		all     uint64
		one     uint64 // told from one in so many on
		of      string
		message string
	}{
		{"offload", s.oversize, flows, 100, "connections", fmt.Sprintf("hold segments larger than the receiver's MSS, the first of %s: they were captured "+
			"on a host whose network card splits or joins them (TSO, GRO). Sizes, numbers and times of segments are that host's, not the wire's.", host)},
		{"one-sided", s.oneSided, flows, 20, "connections", "were captured in one direction only: what their other side did is not known, and nothing of it can be said to be absent. " +
			"Capture where both directions pass."},
		{"lossy", s.lossy, flows, 20, "connections", "acknowledge bytes that the capture does not hold: it lost frames that were on the wire. " +
			"An absence near such a hole is undecided."},
		{"doubled", c.copies, segments, 10, "segments", "are copies of others (a mirror port, two taps, a VLAN in and out). They were counted once; tools that look at each frame " +
			"call them retransmissions."},
		{"filtered", filtered, flows, 20, "connections", "lack the pure ACKs that they must have had: a filter left them out, or a capture on a phone. " +
			"What was never acknowledged cannot be told."},
		{"cut", s.cut, flows, 20, "connections", "have TCP options that the snap length cut off: scale, SACK and timestamps may be unknown. 96 bytes a frame are enough, 262 where there are tunnels."},
	} {
		if n.some > 0 && n.some*n.one >= n.all {
			notes = append(notes, result.Note{Name: n.name, Message: fmt.Sprintf("%d of %d %s %s", n.some, max(n.all, n.some), n.of, n.message)})
		}
	}
	return notes
}
