package engine

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// count counts a connection.
func count(c *stats.Counts, f *flow.Flow) {
	l := f.Conn.Limits()
	c.Flows++
	for _, x := range [...]struct {
		limit fsm.Limits
		n     *uint64
	}{{fsm.OneSided, &c.OneSided}, {fsm.Holes, &c.Lossy}, {fsm.AcksFiltered, &c.ACKsFiltered}, {fsm.CutOptions, &c.OptionsCut}} {
		if l&x.limit != 0 {
			*x.n++
		}
	}
	opener, _ := f.Conn.Opener()
	if f.Conn.AwaitsAnswer(opener) && f.Conn.Packets(opener.Peer()) == 0 {
		if f.Conn.Packets(opener) > 1 {
			c.RepeatedSYNs++
		} else {
			c.LoneSYNs++
		}
	}
	for side := range reassembly.Side(2) {
		if f.Conn.Oversize(side) {
			c.Oversize++
			c.AddOversized(stats.Sender{Position: f.Position, Host: f.Conn.Endpoint(side)})
			break
		}
	}
	for side := range reassembly.Side(2) {
		h := f.Conn.Half(side)
		if h.Phase < fsm.PhaseFinSent {
			continue
		}
		fins := &c.FINs[f.Conn.FINRank(side)]
		fins.Sent++
		if h.Phase == fsm.PhaseFinAcked {
			fins.Acked++
		}
	}
}

// Doubt makes what was said to be absent undecided if the trace as a whole shows
// that such things were left out of it. Run and Analyze do so, by the counts of the
// source or, where those are not Known, their own. It is for those who analysed parts
// of a trace before all of it was counted, with counts that were Known to be empty.
func Doubt(findings []result.Finding, c *stats.Counts) {
	for i := range findings {
		f := &findings[i]
		doubt(&f.Finding, f.FINRank, c)
	}
}

func doubt(f *detectors.Finding, finRank int, c *stats.Counts) {
	if l := hidden(f.Absence, finRank, c); l != 0 && f.Verdict == detectors.Seen {
		f.Limits |= l
		f.Doubt()
	}
}

// hidden is the limit for which a trace cannot prove what the detector finds
// absent: it shows no acknowledgment of any FIN of that rank, or nothing but
// SYNs.
func hidden(absent detectors.Absence, finRank int, c *stats.Counts) fsm.Limits {
	switch {
	case absent == detectors.NoFINAck && c.HidesACKs(finRank):
		return fsm.AcksFiltered
	case absent == detectors.NoSYNAnswer && c.OnlySYNs():
		return fsm.OneSided
	}
	return 0
}

// notes say, once for the whole capture, what many connections share: it is no fault of
// any of them.
func notes(s *stats.Counts) []result.Note {
	segments, flows, filtered := s.Segments, s.Flows, s.ACKsFiltered
	for rank := range s.FINs {
		if s.HidesACKs(rank) {
			filtered = max(filtered, s.FINs[rank].Sent)
		}
	}
	host := s.Oversized.Host.AddrPort().Addr()
	var notes []result.Note
	for _, n := range [...]struct {
		name    string
		some    uint64
		all     uint64
		one     uint64 // noted from one in so many on
		of      string
		message string
	}{
		{"offload", s.Oversize, flows, 100, "connections", fmt.Sprintf("have segments larger than the receiver's MSS, the first from %s: they were captured "+
			"on a host whose network card splits or joins segments (TSO, GRO). Sizes, counts and times of segments are those of that host, not of the wire.", host)},
		{"one-sided", s.OneSided, flows, 20, "connections", "were captured in one direction only: what the other side sent is unknown, so nothing from it is reported as missing. " +
			"Capture where both directions pass."},
		{"lossy", s.Lossy, flows, 20, "connections", "acknowledge bytes that are not in the capture: it lost frames that were on the wire. " +
			"An absence near such a hole is undecided."},
		{"doubled", s.Duplicates, segments, 10, "segments", "are duplicates of others (a mirror port, two capture points, a VLAN in and out). They were counted once; tools that look at " +
			"single frames call them retransmissions."},
		{"filtered", filtered, flows, 20, "connections", "have no pure ACKs: a filter removed them, or the capture was made on a phone. " +
			"Whether something was never acknowledged is undecided."},
		{"cut", s.OptionsCut, flows, 20, "connections", "have TCP options cut off by the snap length: window scale, SACK and timestamps may be unknown. " +
			"Capture at least 96 bytes of each frame, 262 with tunnels."},
	} {
		if n.some > 0 && n.some*n.one >= n.all {
			notes = append(notes, result.Note{Name: n.name, Message: fmt.Sprintf("%d of %d %s %s", n.some, max(n.all, n.some), n.of, n.message)})
		}
	}
	return notes
}
