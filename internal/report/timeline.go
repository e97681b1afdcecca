package report

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Of a long connection, the timeline shows the first steps and the last, and
// those around the evidence frames of its findings.
const (
	timelineEnds   = 200
	timelineAround = 3
)

// timelineWidth is how wide a timeline may be: as wide as a terminal, and otherwise what
// one on a wide screen shows.
const timelineWidth = 120

func (o *Options) timelineWidth() int {
	if o.Width == 0 {
		return timelineWidth
	}
	return o.width()
}

// A timelineRow is one step. Its cells are time, frame, the left end's state, the
// segment, the right end's state and class; a state is empty if it is as before.
type timelineRow struct {
	cells    [columns]string // without the segment
	segment  []string        // the notation in parts that stay whole; nil at the end of the trace
	leftward bool
	omitted  uint64 // steps before this one that are not shown
}

// The columns of the timeline.
const (
	timeColumn = iota
	frameColumn
	leftColumn
	segmentColumn
	rightColumn
	classColumn
	columns
)

var stateColumns = [...]int{leftColumn, rightColumn}

// timeline writes the steps, both sides' states beside them.
func (p *flowPage) timeline() {
	evidence := p.evidence()
	rows, names := p.timelineRows(evidence), p.shortNames()
	titles := []string{"TIME", "FRAME", strings.ToUpper(names[0]), "", strings.ToUpper(names[1]), ""}
	widths, numbers := measure(rows, titles, p.o.timelineWidth()), []bool{timeColumn: true, frameColumn: true}
	p.line(p.strong(aligned(titles, widths, numbers)))
	for i := range rows {
		if n := rows[i].omitted; n > 0 {
			p.line(aligned([]string{"...", quantity.Count(n, "segment") + " left out; --format scenario has them all"}, widths, numbers))
		}
		for _, cells := range rows[i].lines(widths[segmentColumn]) {
			p.step(cells, widths, numbers)
		}
	}
	p.line("")
	p.remark("TIME is in seconds since the trace began. States are shown when they change, as they are after the segment.")
	if slices.ContainsFunc(rows, func(r timelineRow) bool { return strings.Contains(r.cells[leftColumn]+r.cells[rightColumn], "~") }) {
		p.remark(atMost)
	}
	if slices.ContainsFunc(rows, func(r timelineRow) bool { return strings.HasSuffix(r.cells[frameColumn], "*") }) {
		p.line("* is evidence of a finding.")
	}
	if len(p.r.Captures) > 1 {
		for i := range p.r.Captures {
			p.line("FRAME ", strconv.Itoa(i+1), "/N is frame N of ", Clean(p.o.file(p.r, &reassembly.Segment{File: uint16(i)})))
		}
	}
}

// step writes a line. On a terminal, the class is below the segment if it does not fit beside it.
func (p *flowPage) step(cells []string, widths []int, numbers []bool) {
	line := aligned(cells, widths, numbers)
	if p.o.Width == 0 || len(cells) <= classColumn || utf8.RuneCountInString(line) <= p.o.width() {
		p.line(line)
		return
	}
	p.line(aligned(append(cells[:classColumn:classColumn], ""), widths, numbers))
	indent := strings.Repeat(" ", widths[timeColumn]+widths[frameColumn]+widths[leftColumn]+len("  ")*segmentColumn)
	p.lines(indent, wrap(cells[classColumn], p.o.width()-len(indent)))
}

// evidence are the frames that prove something.
func (p *flowPage) evidence() map[result.FrameID]bool {
	evidence := map[result.FrameID]bool{}
	for i := range p.r.Findings {
		for j := range p.r.Findings[i].Evidence {
			evidence[result.FrameOf(&p.r.Findings[i].Evidence[j].Seg)] = true
		}
	}
	return evidence
}

// timelineRows are the steps to show, and the end of the trace.
func (p *flowPage) timelineRows(evidence map[result.FrameID]bool) (rows []timelineRow) {
	shown, strip := p.shown(evidence), p.strip()
	var states [2]string
	var next uint64 = 1
	c := classifier{}
	for i := range p.steps {
		s := &p.steps[i]
		class := c.words(s)
		if !shown[i] {
			continue
		}
		row := timelineRow{omitted: s.N - next, segment: strings.Split(breaks.Replace(plainSegment(p.f, &s.Seg)), "\n"), leftward: (s.Side != p.sides[0]) != s.Seg.IsQuote()} // an ICMP error comes back
		row.cells = [columns]string{timeColumn: quantity.Seconds(p.o.time(&s.Seg) - p.r.Trace.First), frameColumn: p.frame(&s.Seg) + " ", classColumn: strings.TrimPrefix(class+strip[result.FrameOf(&s.Seg)], "; ")}
		if evidence[result.FrameOf(&s.Seg)] {
			row.cells[frameColumn] = p.frame(&s.Seg) + "*"
		}
		for i, side := range p.sides {
			if state := p.o.Names.bounded(s.State[side], s.Bounded[side]); state != states[i] {
				row.cells[stateColumns[i]], states[i] = state, state
			}
		}
		rows, next = append(rows, row), s.N+1
	}
	end := timelineRow{omitted: max(p.f.Packets[0]+p.f.Packets[1]+1, next) - next}
	end.cells = [columns]string{quantity.Seconds(p.r.Trace.End - p.r.Trace.First), "", p.state(p.f, p.sides[0]), "", p.state(p.f, p.sides[1]), "end of the trace"}
	return append(rows, end)
}

// frame is the frame's number, with that of its file if there are several.
func (p *flowPage) frame(seg *reassembly.Segment) string {
	n := unsigned(p.r.FrameNumberOf(seg))
	if len(p.r.Captures) > 1 {
		n = strconv.Itoa(int(seg.File)+1) + "/" + n
	}
	return n
}

// shown says which of the steps are shown.
func (p *flowPage) shown(evidence map[result.FrameID]bool) []bool {
	total := p.f.Packets[0] + p.f.Packets[1]
	shown := make([]bool, len(p.steps))
	for i := range p.steps {
		s := &p.steps[i]
		if s.N <= p.ends || s.N+p.ends > total {
			shown[i] = true
		}
		if evidence[result.FrameOf(&s.Seg)] {
			for j := max(0, i-timelineAround); j <= min(i+timelineAround, len(p.steps)-1); j++ {
				shown[j] = true
			}
		}
	}
	return shown
}

// breaks are where a line of the notation may break: before ack, win and the
// options.
var breaks = strings.NewReplacer(" ack ", "\nack ", " win ", "\nwin ", " <", "\n<")

// leastArrow is the arrow of a segment that fills its column: " ->".
const leastArrow = 3

// measure finds the widths: the segments get what they need, and at most what
// the others leave.
func measure(rows []timelineRow, titles []string, width int) (widths []int) {
	widths = widen(nil, append(titles, ""))
	longest := 0
	for i := range rows {
		widths = widen(widths, append(rows[i].cells[:], ""))
		widths[segmentColumn] = max(widths[segmentColumn], len(strings.Join(rows[i].segment, " "))+leastArrow)
		for _, part := range rows[i].segment {
			longest = max(longest, len(part)+leastArrow)
		}
	}
	room := width - len("  ")*classColumn - widths[timeColumn] - widths[frameColumn] - widths[leftColumn] - widths[rightColumn]
	widths[segmentColumn] = max(min(widths[segmentColumn], room-widths[classColumn]), min(longest, room))
	return widths
}

// lines are the cells of the row's lines: one, or more if the segment is too long
// for its column.
func (row *timelineRow) lines(width int) (lines [][]string) {
	if row.segment == nil {
		row.cells[segmentColumn] = strings.Repeat("-", width)
		return [][]string{row.cells[:]}
	}
	parts := row.segment[:1:1]
	for _, part := range row.segment[1:] {
		if last := &parts[len(parts)-1]; len(*last)+1+len(part)+leastArrow <= width {
			*last += " " + part
		} else {
			parts = append(parts, part)
		}
	}
	row.cells[segmentColumn] = arrowed(parts[0], width, row.leftward)
	lines = append(lines, row.cells[:])
	for _, more := range parts[1:] {
		if row.leftward {
			more = padding(more, width) + more
		}
		lines = append(lines, []string{"", "", "", more})
	}
	return lines
}

// arrowed is the text with an arrow from it to the other side.
func arrowed(text string, width int, leftward bool) string {
	shaft := strings.Repeat("-", max(1, width-utf8.RuneCountInString(text)-2))
	if leftward {
		return "<" + shaft + " " + text
	}
	return text + " " + shaft + ">"
}

// A classifier says in words what segments are for.
type classifier struct {
	synSent [2]bool
	closed  [2]bool // the side's last window was 0
}

// words is the class of the step, with what the class alone does not say.
func (c *classifier) words(s *result.Step) string {
	words, has := s.Class.String(), s.Seg.Flags.Has
	switch {
	case s.Seg.IsQuote():
		return "ICMP: " + s.Seg.ICMPName()
	case s.Class == fsm.OutOfWindow:
		return "out of window"
	case s.Class == fsm.Syn:
		if has(reassembly.ACK) {
			words = "SYN-ACK"
		}
		if c.synSent[s.Side] {
			words += " resent"
		}
		c.synSent[s.Side] = true
		return words
	case s.Class == fsm.Rst:
		if s.State != [2]fsm.State{} {
			words += ", in doubt"
		}
		return words
	case has(reassembly.FIN) && s.Class == fsm.NewData && s.Seg.Len > 0:
		words += ", FIN"
	case has(reassembly.FIN) && s.Class == fsm.NewData:
		words = "FIN"
	case has(reassembly.FIN) && s.Class == fsm.Retransmission:
		words = "FIN resent"
	}
	window := c.window(s)
	switch s.Class {
	case fsm.PureAck, fsm.WindowUpdate, fsm.DupAck: // an ACK that carries nothing is for the window alone
		if window != "" {
			return window
		}
	}
	if window != "" {
		words += ", " + window
	}
	return words
}

// window is what the step says about a closed window.
func (c *classifier) window(s *result.Step) string {
	was, closed := c.closed[s.Side], s.Seg.Window == 0
	c.closed[s.Side] = closed
	switch {
	case closed && was:
		return "still zero window"
	case closed:
		return "zero window"
	case was:
		return "window reopened"
	}
	return ""
}
