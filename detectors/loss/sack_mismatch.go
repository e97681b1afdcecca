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
			"outside that range, repeatedly. Three of them in a row show a hole, and yet the sender waits for its timer before it fills it: they are of no use to it.",
		Cause: "A firewall or load balancer between the two randomizes or rewrites sequence numbers, and does not rewrite the SACK option " +
			"to match. The sender cannot use such blocks, and discards them or the whole ACK. It does not learn what is missing and " +
			"waits for timeouts, so a little loss slows the connection to a crawl.",
		Action: "Disable sequence-number randomization on that device, or update it (Cisco ASA: set connection random-sequence-number " +
			"disable). To confirm, disable SACK on one host (net.ipv4.tcp_sack=0) and measure again. A capture on the other " +
			"side of the device shows the same blocks where they belong.",
		NotThis: "Blocks far ahead of the ACK on a fast and long path: the window allows them. D-SACK, which rightly lies below the ACK. " +
			"A single such segment: it may be damaged or forged. The same block again and again: a D-SACK (RFC 2883) of such segments. " +
			"Where nothing shows that the sender cannot use the blocks, the finding is undecided: a program that changes captures, such as an anonymiser, may have changed the headers and not the option.",
		Peers: "Wireshark shows the edges relative to the ISN, as huge numbers, and does not mark them.",
		Refs:  []string{"RFC 2018 3", "RFC 2018 5", "RFC 2883"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{sackRewritten},
	Params: []detectors.Param{
		{Name: "min-acks", Default: 3, Min: 1, Max: 1e6, Unit: "", Doc: "minimum number of such segments for a finding"},
	},
	StartsOn:     fsm.On(fsm.SackOutOfWindow),
	SubscribesTo: fsm.On(fsm.SackOutOfWindow, fsm.DataResent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(sackMismatch) },
}

var sackRewritten = &detectors.Outcome{Name: "rewritten", Severity: detectors.Critical, Fault: detectors.FaultPath,
	When: "one side's SACK blocks lie outside what the other side has sent, and do not make that side send again what is missing"}

// sackMismatch is indexed by the side that acknowledges.
type sackMismatch struct{ sides [2]mismatched }

// mismatched is what one side acknowledged of what was never sent.
type mismatched struct {
	first, last reassembly.Mark
	offset      int32            // of the first
	block       reassembly.Block // of the first
	varied      bool             // another had another block: what arrived grew, as data does
	n           uint32
	asked       uint32          // how many in a row acknowledge the same, since the sender sent that the last time
	unused      reassembly.Mark // what a timer sent again although dupThresh had asked for it; At is 0 if nothing
}

func (w *sackMismatch) Event(ev fsm.Event, r *detectors.Report) {
	s := &w.sides[ev.Side]
	if ev.Kind == fsm.DataResent {
		w.resent(ev, r)
		return
	}
	if s.asked++; s.last.Ack != ev.Seg.Ack {
		s.asked = 1
	}
	s.last = reassembly.MarkOf(ev.Seg)
	if s.n == 0 {
		s.first = s.last
		s.offset, s.block = farthest(ev.Seg)
	}
	reported := s.enough(r)
	if _, block := farthest(ev.Seg); block != s.block {
		s.varied = true
	}
	if s.n++; !reported && s.enough(r) && s.unused.At != 0 {
		w.report(ev.Side, ev.Seg.At, r)
	}
}

// resent takes what the sender sent again. If three segments had shown that it was missing, SACK would have made it do so at
// once (RFC 6675 5): that a timer did shows that it cannot use them.
func (w *sackMismatch) resent(ev fsm.Event, r *detectors.Report) {
	acker := ev.Side.Peer()
	s, out := &w.sides[acker], r.Conn.Stream(ev.Side)
	if s.n == 0 || s.last.Ack != ev.Seg.Seq || !out.Oldest(ev.Seg.Seq) {
		return
	}
	silence, _ := waits(ev)
	if s.asked >= dupThresh && silence >= max(r.Conn.RTT()+ackClock, leastTimeout) && s.unused.At == 0 {
		if s.unused = reassembly.MarkOf(ev.Seg); s.enough(r) {
			w.report(acker, ev.Seg.At, r)
		}
	}
	s.asked = 0
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
	useless := ""
	if s.unused.At != 0 {
		evidence = append(evidence, r.Evidence("sent again by timeout", side.Peer(), &s.unused))
		useless = fmt.Sprintf(" They are of no use to %s: what three of them had shown to be missing was sent again only after a timeout (frame %d).", r.Name(side.Peer()), s.unused.Frame)
	}
	f := r.Find(sackRewritten, side, at, evidence...)
	f.Roles = detectors.Roles("acknowledger", side, "sender")
	f.Measure("acks", int(s.n))
	f.Measure("offset_bytes", int(s.offset))
	f.Message = fmt.Sprintf("%s sent %s with SACK blocks for data that %s never sent, %d bytes from the ACK number (frame %d).%s",
		r.Name(side), detectors.Counted(s.n, "segment", "segments"), r.Name(side.Peer()), s.offset, s.first.Frame, useless)
	if s.unused.At == 0 {
		f.Undecide("nothing shows that the sender could not use these blocks: no timeout was needed to fill a hole that three of them had shown, and a program that changed the capture, such as an anonymiser, leaves the same behind")
	}
	r.Emit(f)
}
