package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FlowText writes one connection in full: who, what both ends agreed on, what
// was found, every turn with the states that it led to, and both control
// blocks. r holds this connection alone; turns are those that were kept of it,
// in order.
func FlowText(w io.Writer, r *result.Report, turns []result.Step, o Options) error {
	t := newTextWriter(w, r, &o)
	p := flowPage{textWriter: t, f: &r.Flows[0], turns: turns}
	p.left = opener(p.f)
	p.head()
	p.findings()
	p.line("")
	p.ends()
	p.line("")
	p.course()
	p.line("")
	p.controlBlocks()
	return t.out.Flush()
}

// A flowPage is the page of one connection. What concerns the opener's side
// stands on the left.
type flowPage struct {
	*textWriter
	f     *result.Flow
	turns []result.Step
	left  reassembly.Side
}

// sides are the two sides from left to right.
func (p *flowPage) sides() [2]reassembly.Side { return [...]reassembly.Side{p.left, p.left.Peer()} }

// shortNames are client and server, or A and B where nobody knows: the
// endpoints themselves would not fit a column.
func (p *flowPage) shortNames() [2]string {
	if p.f.Initiator == result.InitiatorUnknown {
		return [2]string{"A", "B"}
	}
	return ends(p.f)
}

// longNames are "client 10.0.0.1:40000", or "A 10.0.0.1:40000".
func (p *flowPage) longNames() [2]string {
	names := p.shortNames()
	for side := range names {
		names[side] += " " + p.f.End[side].String()
	}
	return names
}

// titles are the long names where they fit above columns.
func (p *flowPage) titles() [2]string {
	names := p.longNames()
	if max(len(names[0]), len(names[1])) > titleWidth {
		return p.shortNames()
	}
	return names
}

// titleWidth is what both columns of the control blocks may take.
const titleWidth = 36

// lasted is how long the connection was heard of, and the trace after it.
func (p *flowPage) lasted() string {
	s := "for " + duration(p.f.Last-p.f.First)
	if rest := p.r.Trace.End - p.f.Last; rest > 0 {
		return s + "; the trace goes on for " + duration(rest)
	}
	return s + ", to the end of the trace"
}

func (p *flowPage) head() {
	f, names := p.f, p.longNames()
	p.line(p.paint.strong(fmt.Sprintf("Connection %d", f.ID)), "  ", names[p.left], " ", string(arrow(f)), " ", names[p.left.Peer()])
	p.line("")
	p.label("When", instant(f.First)+", "+p.lasted())
	if f.Initiator == result.InitiatorUnknown {
		p.label("Opened by", "unknown: no SYN was captured; A spoke first")
	} else {
		p.label("Opened by", names[p.left])
	}
	p.label("Ended", f.Ending)
	if f.RTT != 0 {
		p.label("RTT", duration(f.RTT))
	} else {
		p.label("RTT", "unknown")
	}
	p.label("Limits", limitLines(f.Limits)...)
}

// findings tells what was found of this connection; what is not decided, too.
func (p *flowPage) findings() {
	var told []string
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		word := f.Severity.String()
		if f.Verdict == detectors.Undecided {
			word = "undecided"
		}
		message := f.Message
		if f.Reason != "" {
			message += " (" + f.Reason + ")"
		}
		told = append(told, fmt.Sprintf("%s %s/%s: %s [finding %s]", word, f.Detector, f.Outcome, message, f.ID))
	}
	if told == nil {
		told = []string{"nothing"}
	}
	p.label("Found", told...)
}

// ends tells what each end announced and sent, side by side.
func (p *flowPage) ends() {
	names := p.titles()
	syns := p.syns()
	rows := [][]string{{"", names[p.left], names[p.left.Peer()]}}
	row := func(what string, tell func(side reassembly.Side) string) {
		rows = append(rows, []string{what, tell(p.left), tell(p.left.Peer())})
	}
	row("state", func(s reassembly.Side) string { return string(p.appendState(nil, p.f, s)) })
	for i := range handshakeFacts {
		h := &handshakeFacts[i]
		row(h.name, func(s reassembly.Side) string { return h.tell(syns[s]) })
	}
	row("segments", func(s reassembly.Side) string { return thousands(p.f.Packets[s]) })
	row("payload bytes", func(s reassembly.Side) string { return thousands(p.f.Bytes[s]) })
	row("retransmissions", func(s reassembly.Side) string { return thousands(p.f.Rexmits[s]) })
	for i, l := range table(rows) {
		if i == 0 {
			l = p.paint.strong(l)
		}
		p.line("  ", l)
	}
}

// syns are the options of each side's SYN, nil where none was captured.
func (p *flowPage) syns() (syns [2]*reassembly.Options) {
	for i := range p.turns {
		t := &p.turns[i]
		if t.Class == fsm.Syn && syns[t.Side] == nil {
			syns[t.Side] = &t.Seg.Opts
		}
	}
	return syns
}

// A handshakeFact is something that an end announces in its SYN only.
type handshakeFact struct {
	name   string
	has    reassembly.OptionBits
	yes    func(*reassembly.Options) string
	absent string
}

var handshakeFacts = [...]handshakeFact{
	{"MSS", reassembly.HasMSS, func(o *reassembly.Options) string { return strconv.Itoa(int(o.MSS)) }, "not announced"},
	{"window scale", reassembly.HasScale, func(o *reassembly.Options) string {
		return fmt.Sprintf("%d (windows times %d)", o.Scale, 1<<min(o.Scale, 14)) // RFC 7323 2.3
	}, "none"},
	{"SACK", reassembly.HasSACKPermitted, func(*reassembly.Options) string { return "permitted" }, "no"},
	{"timestamps", reassembly.HasTimestamps, func(*reassembly.Options) string { return "yes" }, "no"},
}

func (h *handshakeFact) tell(syn *reassembly.Options) string {
	switch {
	case syn == nil:
		return "unknown"
	case syn.Has&h.has != 0:
		return h.yes(syn)
	case syn.Has&(reassembly.OptionsCut|reassembly.OptionsMalformed) != 0:
		return "unknown"
	}
	return h.absent
}
