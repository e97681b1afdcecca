package kernel

import (
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What was lost, dropped, overtaken or sent again for nothing: findings that count it must not
// count more than the wire and the kernels know of.

// fullSegment is the payload of a full segment with timestamps, in bytes.
const fullSegment = 1448

// A fate is what the wire and the kernels know of what one side sent.
type fate struct {
	before, behind int // packets lost before the tap, and behind it: by the wire, or dropped by the receiver's kernel
	late           int // packets that were held up, or overtaken
	needless       int // packets sent again though the original arrived
	overtaken      int // packets that the tap saw after what was sent again of them: tcptrace takes these for sent again
	paws           int // segments that the receiver's kernel dropped for their timestamp
}

// fateOf counts it. Of a pure ACK it says only whether it was lost.
func (p *randomCase) fateOf(side int) (l fate) {
	arrived, tapped := map[reassembly.Seq]bool{}, map[reassembly.Seq]int64{}
	var newest int64
	for _, x := range p.w.packets {
		if x.from != side {
			continue
		}
		switch {
		case x.tapped == 0:
			l.before++
		case x.arrived == 0:
			l.behind++
		}
		if x.arrived != 0 && x.arrived < newest || x.late != [2]time.Duration{} {
			l.late++
		}
		newest = max(newest, x.arrived)
		if x.seg.SeqLen() == 0 {
			continue
		}
		if before := tapped[x.seg.End()]; before > x.tapped && x.tapped != 0 { // that was sent before
			l.overtaken++
		}
		tapped[x.seg.End()] = max(tapped[x.seg.End()], x.tapped)
		if arrived[x.seg.End()] {
			l.needless++
		}
		arrived[x.seg.End()] = arrived[x.seg.End()] || x.arrived != 0
	}
	s, peer := p.sides[side], p.sides[1-side]
	for _, e := range ofKind(p.said(s.h.endpoint(s.port), peer.h.endpoint(peer.port)), tracepoints.Dropped) {
		l.behind++
		if e.Reason == "TCP_RFC7323_PAWS" || e.Reason == "TCP_RFC7323_PAWS_ACK" || e.Reason == "TCP_RFC7323_TSECR" {
			l.paws++
		}
	}
	return l
}

// falseCount says what a finding counts, or claims, that did not happen. The kernels' own
// counters (TcpExt) are those of all sockets of the host, but a case has only one connection.
func (p *randomCase) falseCount(f *tcptrace.Finding) string {
	if p.kernel == nil || p.missed() || p.kernel.lost() {
		return ""
	}
	sender := p.senderOf(f)
	of, acks, counted := p.fateOf(sender), p.fateOf(1-sender), p.counted[sender]
	doubled := p.doubled(sender)
	more := func(name string, atMost int) string {
		for _, m := range f.Metrics {
			if n, is := m.Value.(int); is && m.Name == name && n > atMost && !doubled {
				return fmt.Sprintf("%s is %d, and %d is true", name, n, atMost)
			}
		}
		return ""
	}
	var faults []string
	switch f.Detector {
	case "retransmissions":
		again := 0 // the kernel says it once where segmentation offload cuts it in several
		for _, e := range ofKind(p.said(p.sides[sender].h.endpoint(p.sides[sender].port), p.sides[1-sender].h.endpoint(p.sides[1-sender].port)), tracepoints.Retransmitted) {
			again += max(1, int(e.Len+fullSegment-1)/fullSegment)
		}
		again = max(again, counted["RetransSegs"]) // one of its events may be missing
		faults = []string{
			more("resent", again+of.overtaken), more("tlp", counted["TCPLossProbes"]),
			more("spurious", of.needless+of.overtaken), more("lost_before_tap", of.before), more("lost_after_tap", of.behind),
		}
	case "reordering":
		faults = []string{more("spurious", of.needless+of.overtaken), more("late", of.late)}
	case "dropped-behind-tap":
		switch {
		case f.Outcome == "acks-dropped" && acks.behind == 0:
			faults = []string{"every ACK arrived"}
		case f.Outcome != "acks-dropped" && of.behind+acks.behind == 0:
			faults = []string{"everything arrived"}
		}
	case "paws-drops":
		if of.paws == 0 {
			faults = []string{"no kernel dropped a segment for its timestamp"}
		}
	}
	for _, fault := range faults {
		if fault != "" {
			return fault
		}
	}
	return ""
}

// overtakenUnseen reports whether segments were overtaken behind the tap in a connection
// without SACK and timestamps: what was sent again of them looks like what was lost.
func (p *randomCase) overtakenUnseen(f *tcptrace.Finding) bool {
	plain := slices.ContainsFunc(p.w.packets, func(x *packet) bool {
		return x.seg.Flags.Has(reassembly.SYN) && x.seg.Opts.Has&(reassembly.HasSACKPermitted|reassembly.HasTimestamps) == 0
	})
	return plain && p.fateOf(p.senderOf(f)).late > 0
}
