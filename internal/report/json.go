package report

import (
	"bufio"
	"io"
	"slices"
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	reportSchema = "tcptrace/report/v1"
	statesSchema = "tcptrace/states/v1"
)

// JSON writes the report as one object, with a line for each of its parts and
// for each connection, finding and frame: it streams, it can be searched with
// grep, and two reports can be compared with diff.
func JSON(w io.Writer, r *result.Report, o Options) error {
	out := newJSONWriter(w)
	out.report(r, &o)
	return out.end()
}

// FlowJSON writes the report of one connection, as JSON does, with the steps
// that were kept of it.
func FlowJSON(w io.Writer, r *result.Report, steps []result.Step, o Options) error {
	out, f := newJSONWriter(w), &r.Flows[0]
	out.report(r, &o)
	out.write(func(b object) object {
		return b.line().uint("timeline_left_out", f.Packets[0]+f.Packets[1]-uint64(len(steps))).open("timeline", '[')
	})
	rows(out, steps, fields{r: r, o: &o}.step)
	return out.end()
}

// StatesJSON writes the sockets as one object, a line each, with the RFC's
// names of states.
func StatesJSON(w io.Writer, at int64, endpoints []Endpoint, _ Options) error {
	out := newJSONWriter(w)
	out.write(func(b object) object {
		return append(b, '{').str("schema", statesSchema).time("at", at).line().open("endpoints", '[')
	})
	rows(out, endpoints, func(b object, e *Endpoint) object {
		return b.uint("flow", e.Flow).endpoint("local", e.Local).endpoint("foreign", e.Foreign).
			str("state", e.State.String()).time("since", e.Since).bool("bounded", e.Bounded)
	})
	return out.end()
}

// A jsonWriter keeps one buffer for the current row, so that a row costs no
// allocation. Errors wait in the bufio.Writer for Flush.
type jsonWriter struct {
	*bufio.Writer
	row object
}

func newJSONWriter(w io.Writer) *jsonWriter {
	return &jsonWriter{Writer: bufio.NewWriterSize(w, 1<<16)}
}

// write writes what fill appends to an empty buffer.
func (w *jsonWriter) write(fill func(object) object) {
	w.row = fill(w.row[:0])
	_, _ = w.Write(w.row)
}

// rows writes the elements of an array, an object a line, and ends it.
func rows[T any](w *jsonWriter, values []T, fields func(object, *T) object) {
	for i := range values {
		b := w.row[:0]
		if i > 0 {
			b = append(b, ',')
		}
		w.row = append(fields(append(b, "\n  {"...), &values[i]), '}')
		_, _ = w.Write(w.row)
	}
	_ = w.WriteByte(']')
}

func (w *jsonWriter) end() error {
	_, _ = w.WriteString("}\n")
	return w.Flush()
}

// report writes the object but for its end.
func (w *jsonWriter) report(r *result.Report, o *Options) {
	w.write(func(b object) object { return append(b, '{').head(r, o).line().open("captures", '[') })
	rows(w, r.Captures, object.capture)
	w.write(func(b object) object {
		b = b.line().trace(r).line().totals(&r.Totals).line().notes(r.Notes)
		if o.Hosts != nil {
			b = b.line().names(r, o.Hosts)
		}
		return b.line().open("taps", '[')
	})
	rows(w, r.Taps, object.tap)
	w.write(func(b object) object { return b.line().open("flows", '[') })
	rows(w, r.Flows, fields{r: r, o: o}.flow)
	if o.Time {
		w.write(func(b object) object { return b.line().open("hosts", '[') })
		rows(w, slices.SortedFunc(slices.Values(hosts(r)), (*hostRow).order), object.host)
	}
	w.write(func(b object) object { return b.line().open("findings", '[') })
	rows(w, r.Findings, fields{r, o, "\n    "}.finding)
}

func (b object) head(r *result.Report, o *Options) object {
	return b.str("schema", reportSchema).
		open("tool", '{').str("name", "tcptrace").str("version", o.Version).close('}').
		open("options", '{').seconds("time_wait_s", true, r.Options.TimeWait).strings("detectors", r.Options.Detectors).close('}')
}

func (b object) capture(c *result.Capture) object {
	known := c.Packets > 0
	return b.str("file", c.File).str("format", c.Format).str("compression", c.Compression).strings("link_types", c.LinkTypes).
		uint("packets", c.Packets).uint("bytes", c.Bytes).timeIf(known, "first", c.Span.First).timeIf(known, "last", c.Span.Last).
		strings("warnings", c.Warnings).uint("drops", c.Drops)
}

func (b object) trace(r *result.Report) object {
	if r.Apart {
		return append(b.key("trace"), "null"...)
	}
	known := r.Totals.Packets > 0 || r.Trace.End > 0 // a shard may have none of the packets
	return b.open("trace", '{').timeIf(known, "first", r.Trace.First).timeIf(known, "last", r.Trace.Last).
		timeIf(known, "end", r.Trace.End).close('}')
}

func (b object) totals(t *result.Totals) object {
	b = b.open("totals", '{').uint("packets", t.Packets).uint("tcp_segments", t.TCPSegments).uint("flows", t.Flows).open("skipped", '{')
	for _, c := range t.Skipped {
		b = b.dataKey(c.Name).number(c.N)
	}
	b = b.close('}').uint("evicted_flows", t.EvictedFlows).uint("copies", t.Duplicates).uint("known", t.Known).uint("hidden", t.Hidden).open("groups", '[')
	for _, g := range t.Groups {
		b = b.element().str("detector", g.Detector).str("outcome", g.Outcome).str("verdict", g.Verdict.String()).
			str("severity", g.Severity.String()).uint("findings", g.N).uint("listed", g.Listed).close('}')
	}
	return b.close(']').close('}')
}

func (b object) notes(notes []result.Note) object {
	b = b.open("notes", '[')
	for _, n := range notes {
		b = b.element().str("name", n.Name).str("message", n.Message).close('}')
	}
	return b.close(']')
}

func (b object) flow(f *result.Flow, r *result.Report) object {
	const A, B = reassembly.A, reassembly.B
	b = b.uint("id", f.ID).endpoint("a", f.End[A]).endpoint("b", f.End[B]).str("initiator", f.Initiator.String()).
		str("state_a", f.State[A].String()).str("state_b", f.State[B].String()).
		bool("bounded_a", f.Bounded[A]).bool("bounded_b", f.Bounded[B]).
		str("ending", f.Ending).time("first", f.First).time("last", f.Last).
		uint("packets_a2b", f.Packets[A]).uint("packets_b2a", f.Packets[B]).
		uint("bytes_a2b", f.Bytes[A]).uint("bytes_b2a", f.Bytes[B]).
		uint("retransmissions_a2b", f.Rexmits[A]).uint("retransmissions_b2a", f.Rexmits[B]).
		seconds("rtt_s", f.RTT != 0, f.RTT).str("history", f.History).str("closed_first", [...]string{"", "a", "b"}[f.ClosedFirst]).limits(f.Limits).uint("copies", f.Duplicates)
	if t := f.Time; t != nil {
		b = b.account(t, r.Near(t))
	}
	if f.TCB != nil {
		b = b.key("tcb_a").tcb(&f.TCB[A]).key("tcb_b").tcb(&f.TCB[B])
	}
	return b
}

// limits are those of a flow or a finding. Most have none, and then Names would
// be the row's only allocation.
func (b object) limits(l fsm.Limits) object {
	if l == 0 {
		return b.open("limits", '[').close(']')
	}
	return b.strings("limits", l.Names())
}

// tcb is one end's control block; what the capture does not show is null.
func (b object) tcb(t *fsm.TCB) object {
	number := func(name string, field fsm.TCBField, v uint64) {
		if b = b.key(name); t.Known&field != 0 {
			b = b.number(v)
		} else {
			b = append(b, "null"...)
		}
	}
	b = append(b, '{')
	number("iss", fsm.KnowISS, uint64(t.ISS))
	number("irs", fsm.KnowIRS, uint64(t.IRS))
	number("snd_una", fsm.KnowSndUna, uint64(t.SndUna))
	number("snd_nxt", fsm.KnowSndNxt, uint64(t.SndNxt))
	number("snd_wnd", fsm.KnowSndWnd, uint64(t.SndWnd))
	number("snd_wnd_max", fsm.KnowSndWnd, uint64(t.MaxWnd))
	number("snd_wl1", fsm.KnowSndWL, uint64(t.SndWL1))
	number("snd_wl2", fsm.KnowSndWL, uint64(t.SndWL2))
	number("rcv_nxt", fsm.KnowRcvNxt, uint64(t.RcvNxt))
	number("rcv_wnd", fsm.KnowRcvWnd, uint64(t.RcvWnd))
	number("snd_scale", fsm.KnowSndScale, uint64(t.SndScale))
	number("rcv_scale", fsm.KnowRcvScale, uint64(t.RcvScale))
	number("mss", fsm.KnowMSS, uint64(t.MSS))
	b = b.seconds("srtt_s", t.Known&fsm.KnowRTT != 0, t.SRTT).seconds("rttvar_s", t.Known&fsm.KnowRTT != 0, t.RTTVar).seconds("rto_s", true, t.RTO)
	b = b.uint("retransmissions", uint64(t.Rexmits)).bool("probing", t.Probing).uint("probes", uint64(t.Probes))
	number("fin", fsm.KnowFIN, uint64(t.FIN))
	number("last_ack_sent", fsm.KnowLastAck, uint64(t.LastAckSent))
	if t.Known&fsm.KnowOpener != 0 {
		b = b.bool("active_open", t.ActiveOpen)
	} else {
		b = append(b.key("active_open"), "null"...)
	}
	return b.strings("timers", t.Timers).close('}')
}

// fields append what needs the options: findings and steps.
type fields struct {
	r *result.Report
	o *Options
	// newline goes before each frame of the evidence; empty keeps the finding
	// on one line.
	newline string
}

func (w fields) flow(b object, f *result.Flow) object {
	b = b.flow(f, w.r)
	if len(w.r.Taps) > 0 {
		b = b.perTap(f, w.r)
	}
	if len(f.Sockets) > 0 {
		b = b.sockets(f, f.Sockets)
	}
	return b
}

func (w fields) finding(b object, f *result.Finding) object {
	doc, ends := w.o.doc(&f.Finding), f.Flow.End
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
