package report

import (
	"fmt"
	"strconv"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The lines of a picture live in a space of plotColumns by plotRows that is
// stretched to the page's width: nothing is told finer than a column. Letters
// are not stretched: they stand at a share of the width, and at a height in
// pixels.
const (
	plotColumns = 480
	plotRows    = 1000
	plotHeight  = 210 // pixels; of the direction that tells the story
	plotLow     = 120 // of the other
	plotTop     = 16  // above it, for what the shading is called
	plotBottom  = 22  // below it, for the time axis
	axisChar    = 6.7 // width of a digit on an axis, pixels
	phoneWidth  = 270 // of a plot on the narrowest screen, pixels
)

// A plot is one direction of a connection as a time-sequence picture, with
// xplot's conventions: data as vertical bars, the ACK line below them, the right
// edge of the window above. All of it is numbers and words of our own.
type plot struct {
	ID      string
	Heading string
	Short   string // who sent, for the table under it
	Desc    string
	Axis    int // width of the sequence axis, pixels
	Inner   int // height of the plot without its axis
	Shade   *shade
	Rows    []tick
	Columns []tick
	Lines   []line
	Labels  []label
	Beyond  bool // the edge of the receive window leaves the plot
}

// The numbers that the page's template needs to place a plot's lines.
func (plot) Top() int       { return plotTop }
func (p plot) Base() int    { return plotTop + p.Inner }
func (p plot) AxisRow() int { return p.Base() + 15 }
func (p plot) Height() int  { return p.Base() + plotBottom }
func (p plot) TickEnd() int { return p.Axis - 6 }
func (plot) ViewBox() string {
	return fmt.Sprintf("0 0 %d %d", plotColumns, plotRows)
}

// A line is one path, in columns and rows.
type line struct{ Class, Path string }

// A shade is the stretch of time that a finding speaks of.
type shade struct{ X, Width, TextX, Anchor string }

func newShade(from, to int) *shade {
	s := &shade{X: percent(from), Width: percent(max(to-from, 1)), TextX: percent(from), Anchor: "start"}
	if from > plotColumns*2/3 {
		s.TextX, s.Anchor = percent(to), "end"
	}
	return s
}

// A window is the part of time and sequence space that a plot shows.
type window struct {
	x0, x1, y0, y1 int64
	beyond         bool // the edge of the receive window is not on the scale
	height         int  // pixels
}

// column is a time's place, 0 to plotColumns.
func (w *window) column(at int64) int {
	return int(scaled(at-w.x0, w.x1-w.x0, plotColumns))
}

// row is an offset's place from the top, 0 to plotRows.
func (w *window) row(offset int64) int {
	return plotRows - int(scaled(offset-w.y0, w.y1-w.y0, plotRows))
}

// pixel is an offset's height in a plot.
func (w *window) pixel(offset int64) int {
	return plotTop + (w.row(offset)*w.height+plotRows/2)/plotRows
}

// scaled is n of whole, in parts; clamped to what is shown.
func scaled(n, whole, parts int64) int64 {
	return int64(min(max(float64(n)/float64(whole), 0), 1) * float64(parts))
}

// percent is a column as a share of the width.
func percent(column int) string {
	return strconv.FormatFloat(float64(column)*100/plotColumns, 'f', 1, 64) + "%"
}

// A view says how a series is to be shown: the zero of its axes, and what is
// shaded.
type view struct {
	zero       int64             // time that counts as 0
	iss        [2]reassembly.Seq // numbers that count as 0
	x0, x1     int64
	start, end int64 // shaded
}

// plot draws one direction, so many pixels high.
func (s *series) plot(side reassembly.Side, v *view, height int) *plot {
	d := &s.sent[side]
	shift := d.relative(v.iss[side])
	w := d.window(v, height)
	p := &plot{Inner: height, Beyond: w.beyond}
	p.Rows = sequenceTicks(&w, shift)
	for _, t := range p.Rows {
		p.Axis = max(p.Axis, axisWidth(t.Text))
	}
	p.Columns = timeTicks(&w, v.zero)
	p.Shade = newShade(w.column(v.start), w.column(v.end))
	p.Lines = d.lines(&w, s.last)
	p.Labels = d.labels(&w)
	return p
}

// axisWidth is the room that a label of the sequence axis takes.
func axisWidth(text string) int { return int(float64(len(text))*axisChar) + 10 }

// margin is how much wider than what it shows a plot is, so that marks at its
// borders are seen whole: a share of it, 1/margin on each side.
const margin = 40

// timeWindow is a window for the time from first to last, with its margins.
func timeWindow(first, last int64) window {
	last = max(last, first)
	wide := (last-first)/margin + 1
	return window{x0: first - wide, x1: last + wide}
}

// window is what a plot of the direction shows. The window's edge may lie so far
// beyond the data that they would be a flat line: then it is left out of the
// scale.
func (d *oneWay) window(v *view, height int) window {
	seen, edges := extent{0, 0}, extent{0, 0}
	point := func(e *extent, at int64) { e.add(extent{at, at + 1}) }
	for i := range d.cells {
		c := &d.cells[i]
		seen.add(c.sent)
		seen.add(c.again)
		for m := range markRST {
			if c.marks.has(m) {
				point(&seen, c.place[m])
			}
		}
		if c.told {
			point(&seen, c.ack)
			point(&edges, c.edges.lo)
			point(&edges, c.edges.hi)
		}
	}
	if d.before.told {
		point(&seen, d.before.ack)
		point(&edges, d.before.edge)
	}
	seen.hi = max(seen.hi, seen.lo+minRows)
	if span := seen.hi - seen.lo; edges.hi <= seen.hi+span {
		seen.hi = max(seen.hi, edges.hi)
	}
	high := (seen.hi-seen.lo)/(margin/4) + 1
	w := timeWindow(v.x0, v.x1)
	w.y0, w.y1, w.height = seen.lo-high/2, seen.hi+high, height
	w.beyond = edges.hi > w.y1
	return w
}

// minRows keeps a connection without data from filling the plot with one byte.
const minRows = 10
