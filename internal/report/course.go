package report

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Of a long connection, the course shows the first turns and the last, and
// those around the telling frames of its findings.
const (
	courseEnds   = 200
	courseAround = 3
)

// courseWidth is what a terminal on a wide screen shows.
const courseWidth = 120

// A rungText is one turn on its way into the course: the cells but for widths.
type rungText struct {
	time, frame string
	state       [2]string // from left to right; empty where it is as before
	segment     []string  // the notation in parts that stay whole
	leftward    bool
	class       string
	left        uint64 // turns that were left out before this one
}

// course writes the turns, both sides' states beside them.
func (p *flowPage) course() {
	rungs, telling := p.rungs()
	w := p.measure(rungs)
	names := p.shortNames()
	p.line(p.paint.strong(strings.TrimRight(w.row("TIME", "FRAME", strings.ToUpper(names[p.left]), "", strings.ToUpper(names[p.left.Peer()]), ""), " ")))
	for i := range rungs {
		g := &rungs[i]
		if g.left > 0 {
			p.line(padLeft("...", w.time), "  ", count(g.left, "segment"), " left out; --format scenario has them all")
		}
		for _, l := range g.lines(&w) {
			p.line(strings.TrimRight(l, " "))
		}
	}
	p.legend(telling, rungs)
}

func (p *flowPage) legend(telling bool, rungs []rungText) {
	p.line("")
	p.line("TIME in seconds since the trace began. A state is told when it changes, as it is after the segment.")
	if slices.ContainsFunc(rungs, func(g rungText) bool { return strings.Contains(g.state[0]+g.state[1], "~") }) {
		p.line("~ at most: the ACK that leads there was seen, but not whether it arrived.")
	}
	if telling {
		p.line("* proves a finding.")
	}
	if len(p.r.Captures) > 1 {
		for i := range p.r.Captures {
			p.line("FRAME ", strconv.Itoa(i+1), "/N is frame N of ", Clean(p.o.file(p.r, &reassembly.Segment{File: uint16(i)})))
		}
	}
}

// rungs are the turns to show, and the end of the trace; telling says whether
// any of them proves a finding.
func (p *flowPage) rungs() (rungs []rungText, telling bool) {
	evidence := p.evidence()
	shown := p.shown(evidence)
	var states [2]string
	var next uint64 = 1
	c := classifier{}
	for i := range p.turns {
		t := &p.turns[i]
		class := c.words(t)
		if !shown[i] {
			continue
		}
		g := rungText{
			time: offset(p.o.time(&t.Seg) - p.r.Trace.First), frame: p.frame(&t.Seg), class: class, left: t.N - next,
			segment: segmentParts(segment(p.f, withoutTimestamps(&t.Seg))), leftward: t.Side != p.left,
		}
		next = t.N + 1
		if evidence[frameIDOf(&t.Seg)] {
			g.frame += "*"
			telling = true
		} else {
			g.frame += " "
		}
		for column, side := range p.sides() {
			if s := p.state(t, side); s != states[column] {
				g.state[column], states[column] = s, s
			}
		}
		rungs = append(rungs, g)
	}
	return append(rungs, p.lastRung(next)), telling
}

// lastRung is the end of the trace, and where it finds both ends.
func (p *flowPage) lastRung(next uint64) rungText {
	g := rungText{time: offset(p.r.Trace.End - p.r.Trace.First), class: "end of the trace"}
	if total := p.f.Packets[0] + p.f.Packets[1]; total >= next {
		g.left = total + 1 - next
	}
	for column, side := range p.sides() {
		g.state[column] = string(p.appendState(nil, p.f, side))
	}
	return g
}

func (p *flowPage) state(t *result.Step, side reassembly.Side) string {
	s := p.o.Names.State(t.State[side])
	if t.Bounded[side] {
		s += "~"
	}
	return s
}

// frame is the frame's number, with that of its file where there are several.
func (p *flowPage) frame(seg *reassembly.Segment) string {
	n := strconv.FormatUint(uint64(seg.Frame), 10)
	if len(p.r.Captures) > 1 {
		n = strconv.Itoa(int(seg.File)+1) + "/" + n
	}
	return n
}

func frameIDOf(seg *reassembly.Segment) frameID { return frameID{seg.File, seg.Frame} }

// evidence are the telling frames of all findings.
func (p *flowPage) evidence() map[frameID]bool {
	frames := map[frameID]bool{}
	for i := range p.r.Findings {
		for j := range p.r.Findings[i].Evidence {
			frames[frameIDOf(&p.r.Findings[i].Evidence[j].Seg)] = true
		}
	}
	return frames
}

// shown says which of the turns are shown.
func (p *flowPage) shown(evidence map[frameID]bool) []bool {
	total := p.f.Packets[0] + p.f.Packets[1]
	shown := make([]bool, len(p.turns))
	for i := range p.turns {
		t := &p.turns[i]
		if t.N <= courseEnds || t.N+courseEnds > total {
			shown[i] = true
		}
		if !evidence[frameIDOf(&t.Seg)] {
			continue
		}
		for j := max(0, i-courseAround); j <= min(i+courseAround, len(p.turns)-1); j++ {
			shown[j] = true
		}
	}
	return shown
}

// withoutTimestamps is the segment as people read it. On nearly every segment
// of today, timestamps would take the width that the rest needs.
func withoutTimestamps(seg *reassembly.Segment) *reassembly.Segment {
	plain := *seg
	plain.Opts.Has &^= reassembly.HasTimestamps
	return &plain
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

// courseWidths are the widths of the columns.
type courseWidths struct{ time, frame, left, segment, right int }

// leastArrow is the arrow of a segment that fills its column: " ->".
const leastArrow = 3

// measure finds the widths: the segments get what they need, and at most what
// the others leave.
func (p *flowPage) measure(rungs []rungText) courseWidths {
	names := p.shortNames()
	w := courseWidths{
		time: len("TIME"), frame: len("FRAME"), left: len(names[p.left]), right: len(names[p.left.Peer()]),
	}
	class := 0
	for i := range rungs {
		g := &rungs[i]
		w.time = max(w.time, len(g.time))
		w.frame = max(w.frame, len(g.frame))
		w.left = max(w.left, len(g.state[0]))
		w.right = max(w.right, len(g.state[1]))
		w.segment = max(w.segment, len(strings.Join(g.segment, " "))+leastArrow)
		class = max(class, len(g.class))
	}
	room := courseWidth - len(w.row("", "", "", "", "", "")) + w.segment - class
	longest := 0
	for i := range rungs {
		for _, part := range rungs[i].segment {
			longest = max(longest, len(part)+leastArrow)
		}
	}
	w.segment = max(min(w.segment, room), min(longest, room+class))
	return w
}

// row is one line of the course.
func (w *courseWidths) row(time, frame, left, segment, right, class string) string {
	return padLeft(time, w.time) + "  " + padLeft(frame, w.frame) + "  " + padRight(left, w.left) + "  " +
		padRight(segment, w.segment) + "  " + padRight(right, w.right) + "  " + class
}

// lines are the turn's lines: one, or more where the segment is too long for
// its column.
func (g *rungText) lines(w *courseWidths) []string {
	if g.segment == nil {
		return []string{w.row(g.time, g.frame, g.state[0], strings.Repeat("-", w.segment), g.state[1], g.class)}
	}
	parts := g.fold(w.segment)
	lines := []string{w.row(g.time, g.frame, g.state[0], arrowed(parts[0], w.segment, g.leftward), g.state[1], g.class)}
	for _, more := range parts[1:] {
		if g.leftward {
			more = padLeft(more, w.segment)
		}
		lines = append(lines, w.row("", "", "", more, "", ""))
	}
	return lines
}

// fold breaks the segment to lines that leave room for the arrow.
func (g *rungText) fold(width int) []string {
	lines := []string{g.segment[0]}
	for _, part := range g.segment[1:] {
		last := &lines[len(lines)-1]
		if len(*last)+1+len(part)+leastArrow <= width {
			*last += " " + part
		} else {
			lines = append(lines, part)
		}
	}
	return lines
}

// arrowed is the text with an arrow that leads from it to the other side.
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
	shut    [2]bool // the side's last window was 0
}

// words is the class of the turn, with what the class alone does not say.
func (c *classifier) words(t *result.Step) string {
	words := t.Class.String()
	has := t.Seg.Flags.Has
	switch {
	case t.Class == fsm.Syn:
		if has(reassembly.ACK) {
			words = "SYN-ACK"
		}
		if c.synSent[t.Side] {
			words += " again"
		}
		c.synSent[t.Side] = true
		return words
	case t.Class == fsm.Rst:
		if t.State != [2]fsm.State{} {
			return "RST, in doubt"
		}
		return words
	case has(reassembly.FIN) && t.Class == fsm.NewData && t.Seg.Len > 0:
		words = "new data, FIN"
	case has(reassembly.FIN) && t.Class == fsm.NewData:
		words = "FIN"
	case has(reassembly.FIN) && t.Class == fsm.Retransmission:
		words = "FIN again"
	}
	if t.Class == fsm.Stray {
		return words
	}
	return c.window(t, words)
}

// window adds what the turn says of a closed window. An ACK that carries
// nothing is for that alone.
func (c *classifier) window(t *result.Step, words string) string {
	was, shut := c.shut[t.Side], t.Seg.Window == 0
	c.shut[t.Side] = shut
	news := ""
	switch {
	case shut && was:
		news = "window still shut"
	case shut:
		news = "window shut"
	case was:
		news = "window open again"
	default:
		return words
	}
	switch t.Class {
	case fsm.PureAck, fsm.WindowUpdate, fsm.DupAck:
		return news
	}
	return words + ", " + news
}
