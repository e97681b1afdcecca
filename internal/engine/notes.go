package engine

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// notes say, once for the whole capture, what many connections share: it is no fault of
// any of them.
func notes(s *stats.Counts) []result.Note {
	segments, flows, filtered := s.Segments, s.Flows, s.ACKsFiltered
	for rank := range s.FINs {
		if s.HidesACKs(rank) {
			filtered = max(filtered, s.FINs[rank].Sent-s.FINs[rank].Acked)
		}
	}
	if s.NoPureACKs() {
		filtered = flows
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
		{"doubled", s.Duplicates, segments, 10, "segments", "are duplicates of others (a mirror port, two capture points, a VLAN in and out, Wi-Fi that sent a frame again). They were counted once; tools that look at " +
			"single frames call them retransmissions."},
		{"filtered", filtered, flows, 20, "connections", "lack pure ACKs: a filter removed them, or the capture was made on a phone. " +
			"Whether something was never acknowledged is undecided."},
		{"cut", s.OptionsCut, flows, 20, "connections", "have TCP options cut off by the snap length: window scale, SACK and timestamps may be unknown. " +
			"Capture at least 96 bytes of each frame, 262 with tunnels."},
	} {
		if n.some > 0 && n.some*n.one >= n.all {
			notes = append(notes, result.Note{Name: n.name, Message: fmt.Sprintf("%d of %d %s %s", n.some, max(n.all, n.some), n.of, n.message)})
		}
	}
	if a := &s.Answers; a.OneDevice() {
		notes = append(notes, result.Note{Name: "relayed", Message: fmt.Sprintf("%d of %d connections were accepted by public addresses that all answer with TTL %d and the same MSS: "+
			"one device nearby (a VPN, NAT or proxy) seems to answer for them. Round trips, windows and resets are its own. Capture behind it to see the servers themselves.", a.Conns, flows, a.First.TTL)})
	}
	return notes
}

// batches note that the times of a file come in batches.
func batches(trace *stats.Trace, c *stats.Counts) []result.Note {
	for i := range trace.Captures {
		if every := trace.BatchedEvery(uint16(i), c); every > 0 {
			return []result.Note{{Name: "batched", Message: fmt.Sprintf("The times of the capture come in batches, about %s apart, in which even distant servers seem to answer at once: each frame seems to have the time "+
				"at which it was taken from a buffer, not that at which it passed. They do not show how long something took that was not much longer, and findings that rest on that are undecided.", detectors.Span(every))}}
		}
	}
	return nil
}
