package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// kernelLines are what the kernel of this machine did with segments of the connection, a
// paragraph each.
func (o *Options) kernelLines(r *result.Report, f *result.Finding) string {
	var lines []string
	for i := range f.KernelEvents {
		d := &f.KernelEvents[i]
		from := strings.TrimSpace(name(f.Flow, d.From) + " " + o.endpoint(f.Flow, d.From))
		var text string
		switch d.What {
		case result.SentReset:
			text = "RST" + frameOf(r, d) + " from " + from + " sent by the kernel"
			if d.Count > 1 {
				text += fmt.Sprintf(", the first of %d", d.Count)
			}
		case result.Dropped:
			text = kindOf(d.Seg) + frameOf(r, d) + " from " + from + " dropped by the kernel"
			if d.Count > 1 {
				text += ", and " + quantity.Count(uint64(d.Count-1), "other segment")
			}
		case result.SentAgain:
			text = quantity.Count(uint64(d.Count), "segment") + " from " + from + " sent again by the kernel"
		}
		if d.Reason != "" {
			text += ": " + reason(d.Reason)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n\n")
}

func frameOf(r *result.Report, d *result.KernelEvent) string {
	if d.Seg == nil {
		return ""
	}
	return fmt.Sprintf(" (frame %d)", r.FrameNumberOf(d.Seg))
}

// kindOf names a segment by what matters most in it.
func kindOf(seg *reassembly.Segment) string {
	switch {
	case seg == nil:
		return "segment"
	case seg.Flags.Has(reassembly.SYN | reassembly.ACK):
		return "SYN-ACK"
	case seg.Flags.Has(reassembly.SYN):
		return "SYN"
	case seg.Flags.Has(reassembly.RST):
		return "RST"
	case seg.Flags.Has(reassembly.FIN):
		return "FIN"
	case seg.Len > 0:
		return quantity.Count(uint64(seg.Len), "byte")
	}
	return "ACK"
}

// kernelEvents are the same for programs.
func (b object) kernelEvents(f *result.Finding, r *result.Report) object {
	b = b.open("kernel", '[')
	for i := range f.KernelEvents {
		d := &f.KernelEvents[i]
		b = b.element().str("event", d.What.String()).str("end", d.From.String()).endpoint("endpoint", f.Flow.End[d.From]).
			str("reason", d.Reason).uint("count", uint64(d.Count)).time("time", d.At)
		if d.Seg != nil {
			b = b.uint("frame", r.FrameNumberOf(d.Seg)).close('}')
		} else {
			b = append(b.key("frame"), "null"...).close('}')
		}
	}
	return b.close(']')
}
