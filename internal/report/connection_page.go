package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// FiguresScript zooms the pictures of a connection and shows the frame that a reader
// points at. Without it, the page has the same, at one size.
//
//go:embed figures.js
var FiguresScript string

// A connectionPage is one connection in full, for HTML: what FlowText has, with pictures.
type connectionPage struct {
	Number   uint64
	Title    string
	Facts    []term
	Figure   *pictures.Figure // nil if the capture was not read again
	Bar      pictures.Bar
	Mainly   []term
	Grids    []grid
	Ends     [2]end
	Frames   []frameRow
	HasState bool
	Bounded  bool
	Script   template.JS
}

// pageEnds is how many steps at either end of a connection a page has.
const pageEnds = 1000

func newConnectionPage(r *result.Report, o *Options) *connectionPage {
	p := newFlowPage(newTextWriter(io.Discard, r, o), o.Steps)
	p.ends = pageEnds
	names := p.longNames()
	c := &connectionPage{
		Number: p.f.ID, Title: Clean(names[0] + " " + string(arrow(p.f)) + " " + names[1]),
		Script: template.JS(FiguresScript), // ours, from this folder
	}
	b := &builder{r: r, o: o}
	c.Facts = b.terms(p.facts()...)
	short := p.shortNames()
	for i, side := range p.sides {
		c.Ends[i] = end{Party: Clean(names[i]), Name: short[i], State: p.state(p.f, side)}
	}
	if t := p.f.Time; t != nil && t.Waits.Sum() > 0 {
		c.Bar, c.Mainly = newBar(&t.Waits), b.terms(p.explained()...)
		c.Grids = append(c.Grids,
			grid{Title: "Where the time went", Head: []string{"WAIT", "FOR", "SHARE", ""}, Rows: p.waitRows(), Numbers: []bool{1: true, 2: true}},
			newGrid("Longest waits", p.longestRows(), []string{"Seconds since the trace began."}, false, true, true, true))
	}
	c.Grids = append(c.Grids, newGrid("Both ends", p.announcedRows(), nil))
	if p.f.TCB != nil {
		c.Grids = append(c.Grids, newGrid("Control blocks at the end of the trace", p.controlRows(), controlNotes))
	}
	var fine *pictures.Series
	if d := o.Pictures.drawn(p.f); d != nil && d.fine != nil && !d.fine.Empty() {
		fine = d.fine
		c.Figure = fine.Figure(d.subject(), "The whole connection", "c")
	}
	c.frames(p, fine)
	return c
}

// newGrid is a table whose first row has the titles.
func newGrid(title string, rows [][]string, notes []string, numbers ...bool) grid {
	return grid{Title: title, Head: rows[0], Rows: rows[1:], Notes: notes, Numbers: numbers}
}

// frames adds the steps that the timeline has, each with its place in the pictures.
func (c *connectionPage) frames(p *flowPage, fine *pictures.Series) {
	evidence := p.evidence()
	shown, strip := p.shown(evidence), p.strip()
	words := classifier{}
	var before *result.Step
	var next uint64 = 1
	for i := range p.steps {
		s := &p.steps[i]
		class := words.words(s)
		if !shown[i] {
			continue
		}
		if s.N > next {
			c.Frames = append(c.Frames, frameRow{Omitted: quantity.Count(s.N-next, "frame") + " omitted"})
		}
		id := result.FrameOf(&s.Seg)
		row := frameRow{
			Number: p.frame(&s.Seg), Time: quantity.Seconds(p.o.time(&s.Seg) - p.r.Trace.First),
			FromPeer: (s.Side != p.sides[0]) != s.Seg.IsQuote(), Direction: direction(p.f, &s.Seg),
			Role: Clean(strings.TrimPrefix(class+strip[id], "; ")), Proof: evidence[id],
		}
		row.Flags, row.Segment, _ = strings.Cut(plainSegment(p.f, &s.Seg), " ")
		row.Segment = strings.TrimLeft(row.Segment, " ")
		for column, side := range p.sides {
			changed := before != nil && before.State[side] != s.State[side]
			row.States[column] = frameState{p.o.Names.bounded(s.State[side], s.Bounded[side]), changed}
			c.Bounded = c.Bounded || s.Bounded[side]
		}
		if c.Figure != nil && !s.Seg.IsQuote() && s.Class != fsm.OutOfWindow {
			row.X, row.Y = c.Figure.Spot(fine, s.Side, &s.Seg)
		}
		c.Frames = append(c.Frames, row)
		before, next = s, s.N+1
	}
	c.HasState = len(c.Frames) > 0
}

// ScriptHash is how the page's policy names its one script.
func (c *connectionPage) ScriptHash() string {
	sum := sha256.Sum256([]byte(c.Script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Listed is how many frames are listed. A Long list is folded, and printed only if it was
// unfolded.
func (c *connectionPage) Listed() uint64 { return uint64(len(c.Frames)) }

// Long says so.
func (c *connectionPage) Long() bool { return len(c.Frames) > 100 }
