package report

import (
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// limits are those of a flow or a finding. Most have none, and then Names would
// be the row's only allocation.
func (b object) limits(l fsm.Limits) object {
	if l == 0 {
		return b.open("limits", '[').close(']')
	}
	return b.strings("limits", l.Names())
}

// fields append what needs the options: findings and steps.
type fields struct {
	r *result.Report
	o *Options
	// newline goes before each frame of the evidence; empty keeps the finding
	// on one line.
	newline string
}

func (w fields) finding(b object, f *result.Finding) object {
	doc, ends := w.o.doc(f.Finding), f.Flow.End
	b = b.str("id", f.ID).str("detector", f.Detector).str("outcome", f.Outcome).str("verdict", f.Verdict.String()).
		str("reason", f.Reason).str("severity", f.Severity.String()).uint("flow", f.Flow.ID).str("culprit", culprit(f)).
		str("fault", f.Fault.String()).endpoint("subject", ends[f.Subject])
	if f.Scope != detectors.OneConnection {
		b = b.str("scope", f.Scope.String())
	}
	if f.Fault == detectors.FaultPath {
		between := pathOf(f)
		b = b.strings("path", between[:])
	}
	b = b.open("roles", '{')
	for _, role := range f.Roles {
		b = b.dataKey(role.Name).quotedEndpoint(ends[role.Side])
	}
	b = b.close('}').open("states", '{')
	for side, state := range f.States {
		b = append(b.comma().quotedEndpoint(ends[side]), ": "...).quoted(state.String())
	}
	b = b.close('}').time("start", f.Start).time("end", f.End).str("title", f.Title).str("message", f.Message).
		str("cause", doc.Cause).str("action", doc.Action).limits(f.Limits).strings("references", doc.Refs).open("evidence", '[')
	for i := range f.Evidence {
		e := &f.Evidence[i]
		if i > 0 && w.newline == "" {
			b = append(b, ", "...)
		} else if i > 0 {
			b = append(b, ',')
		}
		b = w.frame(append(append(b, w.newline...), '{').str("role", e.Role), &e.Seg).str("segment", notation(f.Flow, &e.Seg)).close('}')
	}
	b = b.close(']').open("metrics", '{')
	for _, m := range f.Metrics {
		b = b.dataKey(m.Name).metric(m.Value)
	}
	if b = b.close('}'); len(f.Also) > 0 {
		b = b.open("also_in", '[')
		for _, file := range f.Also {
			b = b.comma().quoted(w.o.file(w.r, &reassembly.Segment{File: file}))
		}
		b = b.close(']')
	}
	if len(f.Sockets) > 0 {
		b = b.sockets(f.Flow, f.Sockets)
	}
	if len(f.KernelEvents) > 0 {
		b = b.kernelEvents(f, w.r)
	}
	return b
}

// live are the fields of a finding that may come again.
func (w fields) live(b object, f *result.Finding) object {
	return w.finding(b, f).uint("revision", uint64(f.Revision)).bool("final", f.Final)
}

func (w fields) step(b object, s *result.Step) object {
	return w.frame(b.uint("n", s.N), &s.Seg).str("side", s.Side.String()).str("segment", notation(&w.r.Flows[0], &s.Seg)).
		str("class", className(s)).
		str("state_a", s.State[reassembly.A].String()).str("state_b", s.State[reassembly.B].String()).
		bool("bounded_a", s.Bounded[reassembly.A]).bool("bounded_b", s.Bounded[reassembly.B])
}

// frame says where the segment is, and when.
func (w fields) frame(b object, seg *reassembly.Segment) object {
	if b = b.str("file", w.o.file(w.r, seg)); int(seg.Tap) < len(w.r.Taps) && w.r.Taps[seg.Tap].Recognised != "same-capture" {
		b = b.str("tap", w.r.Taps[seg.Tap].Name)
	}
	return b.uint("frame", w.r.FrameNumberOf(seg)).time("time", w.o.time(seg))
}

// notation is a segment's line as a scenario has it, without the time.
func notation(f *result.Flow, seg *reassembly.Segment) string {
	names, from := ends(f), sender(f, seg)
	return names[from] + " > " + names[from.Peer()] + "  " + segment(f, seg)
}

// metric is a value of the kinds that detectors.Metric declares; anything else
// is null, which a test of the detectors would show.
func (b object) metric(value any) object {
	switch v := value.(type) {
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return b.float(v)
	case string:
		return b.quoted(v)
	}
	return append(b, "null"...)
}
