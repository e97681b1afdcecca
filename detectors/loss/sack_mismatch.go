package loss

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SACKMismatch reports selective acknowledgments of what was never sent: a middlebox
// rewrites sequence numbers but not the options. RFC 2018.
var SACKMismatch = &detectors.Detector{
	Name: "sack-mismatch",
	Doc: detectors.Doc{
		Title: "SACK blocks lie outside the sequence space",
		What: "The acknowledgment numbers fit what the other side sent, but the SACK blocks in the same segments lie more than a megabyte " +
			"outside that range, repeatedly.",
		Cause: "A firewall or load balancer between the two randomizes or rewrites sequence numbers, and does not rewrite the SACK option " +
			"to match. The sender cannot use such blocks, and discards them or the whole ACK. It does not learn what is missing and " +
			"waits for timeouts, so a little loss slows the connection to a crawl.",
		Action: "Disable sequence-number randomization on that device, or update it (Cisco ASA: set connection random-sequence-number " +
			"disable). To confirm, disable SACK on one host (net.ipv4.tcp_sack=0) and measure again. A capture on the other " +
			"side of the device shows the same blocks where they belong.",
		NotThis: "Blocks far ahead of the ACK on a fast and long path: the window allows them. D-SACK, which rightly lies below the ACK. " +
			"A single such segment: it may be damaged or forged. The same block again and again: a D-SACK (RFC 2883) of such segments.",
		Peers: "Wireshark shows the edges relative to the ISN, as huge numbers, and does not mark them.",
		Refs:  []string{"RFC 2018 3", "RFC 2018 5", "RFC 2883"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{sackRewritten},
	Params: []detectors.Param{
		{Name: "min-acks", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of such segments for a finding"},
	},
	StartsOn:     fsm.On(fsm.SackOutOfWindow),
	SubscribesTo: fsm.On(fsm.SackOutOfWindow),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(sackMismatch) },
}

var sackRewritten = &detectors.Outcome{Name: "rewritten", Severity: detectors.Critical, Fault: detectors.FaultPath,
	When: "one side's SACK blocks lie outside what the other side has sent"}

// sackMismatch is indexed by the side that acknowledges.
type sackMismatch struct{ sides [2]mismatched }

// mismatched is what one side acknowledged of what was never sent.
type mismatched struct {
	first, last reassembly.Mark
	offset      int32            // of the first
	block       reassembly.Block // of the first
	varied      bool             // another had another block: what arrived grew, as data does
	n           uint32
}

func (w *sackMismatch) Event(ev fsm.Event, r *detectors.Report) {
	s := &w.sides[ev.Side]
	s.last = reassembly.MarkOf(ev.Seg)
	if s.n == 0 {
		s.first = s.last
		s.offset, s.block = farthest(ev.Seg)
	}
	reported := s.enough(r)
	if _, block := farthest(ev.Seg); block != s.block {
		s.varied = true
	}
	if s.n++; !reported && s.enough(r) {
		w.report(ev.Side, ev.Seg.At, r)
	}
}

// enough reports whether it is no accident: so many segments, and not one block only.
func (s *mismatched) enough(r *detectors.Report) bool {
	return s.varied && s.n >= uint32(r.Value("min-acks"))
}

// farthest is the SACK block that is farthest from the ACK number, and its signed distance in bytes.
func farthest(seg *reassembly.Segment) (offset int32, block reassembly.Block) {
	for _, b := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if d := seg.Ack.To(b.From); max(d, -d) > max(offset, -offset) {
			offset, block = d, b
		}
	}
	return offset, block
}

func (w *sackMismatch) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.sides[side].enough(r) {
			w.report(side, e.At, r)
		}
	}
}

func (w *sackMismatch) report(side reassembly.Side, at int64, r *detectors.Report) {
	s := &w.sides[side]
	evidence := []detectors.Evidence{r.Evidence("SACK outside the sequence space", side, &s.first)}
	if s.n > 1 {
		evidence = append(evidence, r.Evidence("last such segment", side, &s.last))
	}
	f := r.Find(sackRewritten, side, at, evidence...)
	f.Roles = detectors.Roles("acknowledger", side, "sender")
	f.Measure("acks", int(s.n))
	f.Measure("offset_bytes", int(s.offset))
	f.Message = fmt.Sprintf("%s sent %s with SACK blocks for data that %s never sent, %d bytes from the ACK number (frame %d). "+
		"A device between the two rewrites sequence numbers and leaves the SACK option unchanged, so SACK does not work; unless a program that changed the capture, such as an anonymiser, did that.",
		r.Name(side), detectors.Counted(s.n, "segment", "segments"), r.Name(side.Peer()), s.offset, s.first.Frame)
	r.Emit(f)
}
