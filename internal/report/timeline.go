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

// timelineWidth is what a terminal on a wide screen shows.
const timelineWidth = 120

// A timelineRow is one step: the cells but for widths.
type timelineRow struct {
	time, frame string
	state       [2]string // from left to right; empty if it is as before
	segment     []string  // the notation in parts that stay whole; nil at the end of the trace
	leftward    bool
	class       string
	omitted     uint64 // steps before this one that are not shown
}

// timeline writes the steps, both sides' states beside them.
func (p *flowPage) timeline() {
	evidence := map[result.FrameID]bool{}
	for i := range p.r.Findings {
		for j := range p.r.Findings[i].Evidence {
			evidence[result.FrameOf(&p.r.Findings[i].Evidence[j].Seg)] = true
		}
	}
	rows := p.timelineRows(evidence)
	names := p.shortNames()
	w := measure(rows, names)
	p.line(p.strong(w.line("TIME", "FRAME", [2]string{strings.ToUpper(names[0]), strings.ToUpper(names[1])}, "", "")))
	for i := range rows {
		if row := &rows[i]; row.omitted > 0 {
			p.line(padLeft("...", w.time), "  ", quantity.Count(row.omitted, "segment"), " left out; --format scenario has them all")
		}
		p.lines("", rows[i].lines(&w))
	}
	p.line("")
	p.line("TIME is in seconds since the trace began. States are shown when they change, as they are after the segment.")
	if slices.ContainsFunc(rows, func(row timelineRow) bool { return strings.Contains(row.state[0]+row.state[1], "~") }) {
		p.line(atMost)
	}
	if slices.ContainsFunc(rows, func(row timelineRow) bool { return strings.HasSuffix(row.frame, "*") }) {
		p.line("* is evidence of a finding.")
	}
	if len(p.r.Captures) > 1 {
		for i := range p.r.Captures {
			p.line("FRAME ", strconv.Itoa(i+1), "/N is frame N of ", Clean(p.o.file(p.r, &reassembly.Segment{File: uint16(i)})))
		}
	}
}

// timelineRows are the steps to show, and the end of the trace.
func (p *flowPage) timelineRows(evidence map[result.FrameID]bool) (rows []timelineRow) {
	shown := p.shown(evidence)
	var states [2]string
	var next uint64 = 1
	c := classifier{}
	for i := range p.steps {
		s := &p.steps[i]
		class := c.words(s)
		if !shown[i] {
			continue
		}
		row := timelineRow{
			time: quantity.Seconds(p.o.time(&s.Seg) - p.r.Trace.First), frame: p.frame(&s.Seg), class: class, omitted: s.N - next,
			segment: segmentParts(plainSegment(p.f, &s.Seg)), leftward: s.Side != p.sides[0],
		}
		next = s.N + 1
		if evidence[result.FrameOf(&s.Seg)] {
			row.frame += "*"
		} else {
			row.frame += " "
		}
		for column, side := range p.sides {
			if state := p.o.Names.bounded(s.State[side], s.Bounded[side]); state != states[column] {
				row.state[column], states[column] = state, state
			}
		}
		rows = append(rows, row)
	}
	end := timelineRow{time: quantity.Seconds(p.r.Trace.End - p.r.Trace.First), class: "end of the trace"}
	if total := p.f.Packets[0] + p.f.Packets[1]; total >= next {
		end.omitted = total + 1 - next
	}
	for column, side := range p.sides {
		end.state[column] = p.state(p.f, side)
	}
	return append(rows, end)
}

// frame is the frame's number, with that of its file if there are several.
func (p *flowPage) frame(seg *reassembly.Segment) string {
	n := strconv.FormatUint(uint64(seg.Frame), 10)
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
		if s.N <= timelineEnds || s.N+timelineEnds > total {
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

// segmentParts cuts the notation where a line may break: before ack, win and
// the options.
func segmentParts(s string) []string {
	var parts []string
	for _, mark := range [...]string{" <", " win ", " ack "} {
		if i := strings.Index(s, mark); i >= 0 {
			parts = append([]string{s[i+1:]}, parts...)
			s = s[:i]
		}
	}
	return append([]string{s}, parts...)
}

// timelineWidths are the widths of the columns.
type timelineWidths struct {
	time, frame int
	state       [2]int
	segment     int
}

// leastArrow is the arrow of a segment that fills its column: " ->".
const leastArrow = 3

// measure finds the widths: the segments get what they need, and at most what
// the others leave.
func measure(rows []timelineRow, names [2]string) timelineWidths {
	w := timelineWidths{time: len("TIME"), frame: len("FRAME"), state: [2]int{len(names[0]), len(names[1])}}
	class, longest := 0, 0
	for i := range rows {
		row := &rows[i]
		w.time, w.frame = max(w.time, len(row.time)), max(w.frame, len(row.frame))
		for column, state := range row.state {
			w.state[column] = max(w.state[column], len(state))
		}
		w.segment = max(w.segment, len(strings.Join(row.segment, " "))+leastArrow)
		class = max(class, len(row.class))
		for _, part := range row.segment {
			longest = max(longest, len(part)+leastArrow)
		}
	}
	const gaps = 5 * 2
	room := timelineWidth - gaps - w.time - w.frame - w.state[0] - w.state[1]
	w.segment = max(min(w.segment, room-class), min(longest, room))
	return w
}

func (w *timelineWidths) line(time, frame string, state [2]string, segment, class string) string {
	return strings.TrimRight(padLeft(time, w.time)+"  "+padLeft(frame, w.frame)+"  "+padRight(state[0], w.state[0])+"  "+
		padRight(segment, w.segment)+"  "+padRight(state[1], w.state[1])+"  "+class, " ")
}

// lines are the row's lines: one, or more if the segment is too long for its
// column.
func (row *timelineRow) lines(w *timelineWidths) []string {
	if row.segment == nil {
		return []string{w.line(row.time, row.frame, row.state, strings.Repeat("-", w.segment), row.class)}
	}
	parts := row.segment[:1:1]
	for _, part := range row.segment[1:] {
		if last := &parts[len(parts)-1]; len(*last)+1+len(part)+leastArrow <= w.segment {
			*last += " " + part
		} else {
			parts = append(parts, part)
		}
	}
	lines := []string{w.line(row.time, row.frame, row.state, arrowed(parts[0], w.segment, row.leftward), row.class)}
	for _, more := range parts[1:] {
		if row.leftward {
			more = padLeft(more, w.segment)
		}
		lines = append(lines, w.line("", "", [2]string{}, more, ""))
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
