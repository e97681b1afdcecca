package loss

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SACKMismatch reports selective acknowledgments of what was never sent: a
// middlebox moves sequence numbers and leaves the options alone. RFC 2018.
var SACKMismatch = &detectors.Detector{
	Name: "sack-mismatch",
	Doc: detectors.Doc{
		Title: "SACK blocks lie outside the sequence space",
		What: "The acknowledgment numbers fit what the other side sent, but the SACK blocks of the same segments lie more than a megabyte " +
			"outside of it, again and again.",
		Cause: "A firewall or load balancer between the two randomizes or rewrites sequence numbers, and does not rewrite the SACK option " +
			"with them. The sender cannot use such blocks, and throws them away or the whole ACK: it does not learn what is missing and " +
			"waits for timeouts, so that a little loss brings the connection to a crawl.",
		Action: "Switch off the randomizing of sequence numbers on that device, or update it (Cisco ASA: set connection random-sequence-number " +
			"disable); to prove the point, switch SACK off on one host (net.ipv4.tcp_sack=0) and measure again. A capture on the other " +
			"side of the device shows the same blocks in their place.",
		NotThis: "Blocks far ahead of the ACK on a fast and long path: the window allows them. D-SACK, which lies below the ACK by right. " +
			"A single such segment: it may have been damaged or forged.",
		Peers: "Wireshark shows the edges relative to the ISN, as enormous numbers, and does not remark on them.",
		Refs:  []string{"RFC 2018 3", "RFC 2018 5", "RFC 2883"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "rewritten", Severity: detectors.Critical, When: "a direction's SACK blocks lie outside what the other side has sent"},
	},
	Params: []detectors.Param{
		{Name: "min-acks", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "such segments that make a finding"},
	},
	StartsOn:     fsm.On(fsm.SackOutOfWindow),
	SubscribesTo: fsm.On(fsm.SackOutOfWindow),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(sackMismatch) },
}

// sackMismatch holds one account per direction, by the side that acknowledges.
type sackMismatch struct {
	sides [2]struct {
		first, last reassembly.Mark
		off         int32 // of the first
		n           uint32
	}
}

func (w *sackMismatch) Event(ev fsm.Event, r *detectors.Report) {
	s := &w.sides[ev.Side]
	if s.n == 0 {
		s.first, s.off = reassembly.MarkOf(ev.Seg), fsm.Astray(ev.Seg)
	}
	s.last = reassembly.MarkOf(ev.Seg)
	if s.n++; s.n == uint32(r.Value("min-acks")) {
		w.tell(ev.Side, ev.Seg.At, r)
	}
}

func (w *sackMismatch) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.sides[side].n >= uint32(r.Value("min-acks")) {
			w.tell(side, e.At, r)
		}
	}
}

func (w *sackMismatch) tell(side reassembly.Side, at int64, r *detectors.Report) {
	s := &w.sides[side]
	evidence := []detectors.Evidence{r.Evidence("SACK outside the sequence space", side, &s.first)}
	if s.n > 1 {
		evidence = append(evidence, r.Evidence("the last such", side, &s.last))
	}
	f := r.FindNamed("rewritten", side, at, evidence...)
	f.Roles = []detectors.Role{{Name: "acknowledger", Side: side}, {Name: "sender", Side: side.Peer()}}
	f.Measure("acks", int(s.n))
	f.Measure("offset_bytes", int(s.off))
	f.Message = fmt.Sprintf("%s of %s acknowledge selectively what %s never sent, %d bytes from what they acknowledge in sequence (frame %d): "+
		"something between the two moves sequence numbers and leaves the SACK option as it was, so that SACK does not work.",
		detectors.Counted(s.n, "segment", "segments"), r.Name(side), r.Name(side.Peer()), s.off, s.first.Frame)
	r.Emit(f)
}
