//go:build !js

package cli

import (
	"net/netip"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// sameSegment is how far the kernel's report of a segment may lie from the time at which the
// segment was captured, on the same machine: a queue lies between them, at most.
const sameSegment = int64(250 * time.Millisecond)

// kernelEventsOf are those of this machine's kernel that concern the finding: its RSTs and drops of
// segments that are among the evidence, and more for the same reason; and what it sent again
// meanwhile. a is the real address of side A.
func kernelEventsOf(f *result.Finding, a netip.AddrPort, events []tracepoints.Event) (list []result.KernelEvent) {
	for _, e := range events {
		d := result.KernelEvent{What: result.KernelEventKind(e.Kind), From: reassembly.B, Reason: e.Reason, Count: 1, At: e.At}
		if e.Src == a {
			d.From = reassembly.A
		}
		d.Seg = evidenceOf(f, &d, &e)
		if i := sameKernelEvent(list, &d); i >= 0 {
			list[i].Count++
			if list[i].Seg == nil {
				list[i].Seg = d.Seg
			}
			continue
		}
		began := e.At >= f.Start-sameSegment && e.At <= f.End+sameSegment
		if d.Seg != nil || d.What == result.SentAgain && began {
			list = append(list, d)
		}
	}
	return list
}

func sameKernelEvent(list []result.KernelEvent, d *result.KernelEvent) int {
	for i := range list {
		if x := &list[i]; x.What == d.What && x.From == d.From && x.Reason == d.Reason {
			return i
		}
	}
	return -1
}

// evidenceOf is the segment of the evidence that the kernel reports, nil if there is none.
func evidenceOf(f *result.Finding, d *result.KernelEvent, e *tracepoints.Event) *reassembly.Segment {
	for i := range f.Evidence {
		seg := &f.Evidence[i].Seg
		if f.Flow.End[d.From] != seg.Src || max(seg.At-e.At, e.At-seg.At) > sameSegment {
			continue
		}
		switch d.What {
		case result.SentReset:
			if seg.Flags.Has(reassembly.RST) {
				return seg
			}
		case result.Dropped:
			if seg.Seq == reassembly.Seq(e.Seq) && seg.Len == e.Len && seg.Flags&reassembly.FIN == reassembly.Flags(e.Flags)&reassembly.FIN {
				return seg
			}
		}
	}
	return nil
}
