package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FlowText writes one connection in full: who, what was found, what both ends
// announced, every step with the states after it, and both control blocks. r
// holds this connection alone; steps are those that were kept of it, in order.
func FlowText(w io.Writer, r *result.Report, steps []result.Step, o Options) error {
	p := newFlowPage(newTextWriter(w, r, &o), steps)
	p.head()
	p.findings()
	p.line("")
	p.announced()
	p.line("")
	p.time()
	p.timeline()
	p.line("")
	p.controlBlocks()
	return p.out.Flush()
}

// A flowPage is the page of one connection.
type flowPage struct {
	*textWriter
	f     *result.Flow
	steps []result.Step
	sides [2]reassembly.Side // from left to right: the opener's first
	ends  uint64             // how many steps of its beginning and of its end the timeline has
}

func newFlowPage(t *textWriter, steps []result.Step) *flowPage {
	f := &t.r.Flows[0]
	return &flowPage{textWriter: t, f: f, steps: steps, sides: openerFirst(f), ends: timelineEnds}
}

// shortNames are client and server, or A and B if nobody knows, from left to
// right: the endpoints themselves would not fit a column.
func (p *flowPage) shortNames() [2]string {
	if p.f.Initiator == result.InitiatorUnknown {
		return [2]string{"A", "B"}
	}
	return [2]string{"client", "server"}
}

// longNames are "client 10.0.0.1:40000", or "A 10.0.0.1:40000".
func (p *flowPage) longNames() [2]string {
	names := p.shortNames()
	for column, side := range p.sides {
		names[column] += " " + p.o.endpoint(p.f, side)
	}
	return names
}

// titles are the long names if they fit above columns.
func (p *flowPage) titles() [2]string {
	const titleWidth = 36
	names := p.longNames()
	if max(len(names[0]), len(names[1])) > titleWidth {
		return p.shortNames()
	}
	return names
}

// titled writes a table below a line of titles.
func (p *flowPage) titled(indent string, rows [][]string) {
	for i, lines := range p.rows(indent, rows) {
		for _, l := range lines {
			if i == 0 {
				l = p.strong(l)
			}
			p.line(indent, l)
		}
	}
}

func (p *flowPage) head() {
	names := p.longNames()
	p.line(p.strong(fmt.Sprintf("Connection %d", p.f.ID)), "  ", names[0], " ", string(arrow(p.f)), " ", names[1])
	p.line("")
	for _, t := range p.facts() {
		p.label(t.Word, t.Text)
	}
}

// facts are when the connection was, and how it began and ended.
func (p *flowPage) facts() []term {
	f, names := p.f, p.longNames()
	when := quantity.Instant(f.First) + ", for " + quantity.Duration(f.Last-f.First)
	if rest := p.r.Trace.End - f.Last; unordered(p.r) {
		when = quantity.Instant(f.First) + "; the capture is not in order of time, and does not show for how long"
	} else if rest > 0 {
		when += "; the trace continues for " + quantity.Duration(rest)
	} else {
		when += ", to the end of the trace"
	}
	openedBy, rtt := names[0], unknown
	if f.Initiator == result.InitiatorUnknown {
		openedBy = "unknown: no SYN was captured; A sent the first segment seen"
	}
	if f.RTT != 0 {
		rtt = quantity.Duration(f.RTT)
	}
	return []term{{"When", when}, {"Opened by", openedBy}, {"Ended", f.Ending}, {"RTT", rtt}, {"Limits", limits(f.Limits)},
		{"Sockets", p.o.Names.respell(p.o.socketLines(f, f.Sockets))}}
}

// findings lists what was found about this connection, undecided findings too.
func (p *flowPage) findings() {
	found := ""
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		word, reason := f.Severity.String(), ""
		if f.Verdict == detectors.Undecided {
			word = f.Verdict.String()
		}
		if f.Reason != "" {
			reason = " (" + f.Reason + ")"
		}
		found += fmt.Sprintf("%s %s/%s: %s%s [finding %s]\n\n", word, f.Detector, f.Outcome, f.Message, reason, f.ID)
	}
	if found == "" {
		found = "nothing"
	}
	p.label("Found", p.o.Names.respell(found))
}

// announced are the options of both SYNs and the counts, side by side.
func (p *flowPage) announced() { p.titled("  ", p.announcedRows()) }

func (p *flowPage) announcedRows() [][]string {
	names := p.titles()
	var syns [2]*reassembly.Options // nil if not captured
	for i := range p.steps {
		if s := &p.steps[i]; s.Class == fsm.Syn && syns[s.Side] == nil {
			syns[s.Side] = &s.Seg.Opts
		}
	}
	rows := [][]string{{"", names[0], names[1]}}
	row := func(name string, value func(reassembly.Side) string) {
		rows = append(rows, []string{name, value(p.sides[0]), value(p.sides[1])})
	}
	option := func(name string, has reassembly.OptionBits, absent string, value func(*reassembly.Options) string) {
		row(name, func(s reassembly.Side) string {
			switch syn := syns[s]; {
			case syn == nil:
				return unknown
			case syn.Has&has != 0:
				return value(syn)
			case syn.Has&(reassembly.OptionsCut|reassembly.OptionsMalformed) != 0:
				return unknown
			}
			return absent
		})
	}
	row("state", func(s reassembly.Side) string { return p.state(p.f, s) })
	option("MSS", reassembly.HasMSS, "not announced", func(o *reassembly.Options) string { return strconv.Itoa(int(o.MSS)) })
	option("window scale", reassembly.HasScale, "none", func(o *reassembly.Options) string {
		return fmt.Sprintf("%d (windows times %d)", o.Scale, 1<<min(o.Scale, 14)) // RFC 7323 2.3
	})
	option("SACK", reassembly.HasSACKPermitted, "no", func(*reassembly.Options) string { return "permitted" })
	option("timestamps", reassembly.HasTimestamps, "no", func(*reassembly.Options) string { return "yes" })
	row("segments", func(s reassembly.Side) string { return quantity.Thousands(p.f.Packets[s]) })
	row("payload bytes", func(s reassembly.Side) string { return quantity.Thousands(p.f.Bytes[s]) })
	row("retransmissions", func(s reassembly.Side) string { return quantity.Thousands(p.f.Rexmits[s]) })
	p.figures(row)
	return rows
}

// figures are rows of what was measured of both sides.
func (p *flowPage) figures(row func(string, func(reassembly.Side) string)) {
	t := p.f.Time
	if t == nil {
		return
	}
	three := func(name string, of func(*waits.Figures) string) {
		row(name+" (min / mean / max)", func(side reassembly.Side) string { return of(&t.Figures[side]) })
	}
	sizes := func(name string, of func(*waits.Figures) *waits.Sizes) {
		three(name, func(f *waits.Figures) string {
			if s := of(f); s.N > 0 {
				return quantity.Thousands(uint64(s.Min)) + " / " + quantity.Thousands(s.Mean()) + " / " + quantity.Thousands(uint64(s.Max))
			}
			return ""
		})
	}
	row("throughput", func(side reassembly.Side) string {
		if lasted := p.f.Last - p.f.First; lasted > 0 {
			return detectors.Size(uint64(float64(p.f.Bytes[side])/detectors.Seconds(lasted))) + "/s"
		}
		return ""
	})
	sizes("segment sizes", func(f *waits.Figures) *waits.Sizes { return &f.Sizes })
	sizes("windows offered", func(f *waits.Figures) *waits.Sizes { return &f.Windows })
	sizes("bytes in flight", func(f *waits.Figures) *waits.Sizes { return &f.Flight })
	three("RTT of its data", func(f *waits.Figures) string {
		if r := &f.RTT; r.N > 0 {
			return quantity.Duration(r.Min) + " / " + quantity.Duration(r.Mean()) + " / " + quantity.Duration(r.Max)
		}
		return ""
	})
	row("RTT deviation", func(side reassembly.Side) string { return quantity.Duration(t.Figures[side].RTT.Deviation()) })
	row("longest pause", func(side reassembly.Side) string { return quantity.Duration(t.Figures[side].IdleMax) })
	count := func(name string, of func(*waits.Figures) uint32) {
		if of(&t.Figures[0])|of(&t.Figures[1]) != 0 {
			row(name, func(side reassembly.Side) string { return quantity.Thousands(uint64(of(&t.Figures[side]))) })
		}
	}
	count("duplicate ACKs", func(f *waits.Figures) uint32 { return f.DupAcks })
	count("triple duplicate ACKs", func(f *waits.Figures) uint32 { return f.TripleAcks })
	count("out of order", func(f *waits.Figures) uint32 { return f.OutOfOrder })
	count("arrived twice (D-SACK)", func(f *waits.Figures) uint32 { return f.DSACKs })
}
