package pictures

import (
	"fmt"
	"strconv"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The lines of a picture live in a space of plotColumns by plotRows that is
// stretched to the page's width: nothing is drawn finer than a column. Letters
// are not stretched: they stand at a share of the width, and at a height in
// pixels. A picture into which a reader can zoom has fineColumns.
const (
	plotColumns = 480
	fineColumns = 1 << 14
	plotRows    = 1000
	plotHigh    = 210 // pixels; of the plot on top
	plotLow     = 120 // of the other
	plotTop     = 16  // above it, for what the shading is called
	plotBottom  = 22  // below it, for the time axis
	axisChar    = 6.7 // width of a digit on an axis, pixels
	phoneWidth  = 270 // of a plot on the narrowest screen, pixels
)

// A plot is one direction of a connection, with xplot's conventions: data as
// vertical bars, the ACK line below them, the right edge of the window above.
type plot struct {
	canvas
	ID      string
	Heading string
	Short   string // who sent, for the legend
	Desc    string
	Inner   int // height of the plot without its axis
	Shade   *shade
	Rows    []tick
	Columns []tick
	Lines   []line
	Labels  []label
	// Of a picture into which a reader can zoom: the sequence numbers at its bottom and top.
	Low, High string

	beyond bool // the edge of the receive window leaves the plot
	window window
}

// shade marks the time of the finding, if the picture is of one.
func (p *plot) shade(v *view) {
	if v.Start != 0 {
		shade := newShade(&p.window, p.window.column(v.Start), p.window.column(v.End))
		p.Shade = &shade
	}
}

// A canvas has the numbers that a template needs to place a picture's lines, in
// pixels.
type canvas struct {
	Axis int // width of the vertical axis
	Base int // where the picture ends and the time axis begins

	columns int
}

func (canvas) Top() int       { return plotTop }
func (c canvas) AxisRow() int { return c.Base + 15 }
func (c canvas) Height() int  { return c.Base + plotBottom }
func (c canvas) TickEnd() int { return c.Axis - 6 }
func (c canvas) ViewBox() string {
	return fmt.Sprintf("0 0 %d %d", c.columns, plotRows)
}

// A line is one path, in columns and rows.
type line struct{ Class, Path string }

// A shade is the time range of a finding.
type shade struct{ X, Width, TextX, Anchor string }

func newShade(w *window, from, to int) shade {
	s := shade{X: w.percent(from), Width: w.percent(max(to-from, 1)), TextX: w.percent(from), Anchor: "start"}
	if from > w.columns*2/3 {
		s.TextX, s.Anchor = w.percent(to), "end"
	}
	return s
}

// plot draws one direction, so many pixels high.
func (s *Series) plot(side reassembly.Side, v *view, height int) *plot {
	d := &s.sent[side]
	w := d.window(v, height)
	columns := merged(nil, d.cells, w.column)
	p := &plot{
		canvas: canvas{Base: plotTop + height, columns: w.columns}, Inner: height, beyond: w.beyond,
		Rows: sequenceTicks(&w, int64(v.ISS[side].To(d.base))), Columns: timeTicks(&w, v.Zero),
		Lines: d.lines(&w, columns, s.last), Labels: labels(&w, columns), window: w,
	}
	p.shade(v)
	if s.fine {
		shift := int64(v.ISS[side].To(d.base))
		p.Low, p.High = strconv.FormatInt(w.y0+shift, 10), strconv.FormatInt(w.y1+shift, 10)
	}
	for _, t := range p.Rows {
		p.Axis = max(p.Axis, axisWidth(t.Text))
	}
	return p
}

// axisWidth is the room that a label of the sequence axis takes.
func axisWidth(text string) int { return int(float64(len(text))*axisChar) + 10 }

// A window is the part of time and sequence space that a plot shows.
type window struct {
	x0, x1, y0, y1 int64
	beyond         bool // the edge of the receive window is not on the scale
	height         int  // pixels
	columns        int
}

// column is a time's column, 0 to columns.
func (w *window) column(at int64) int {
	return int(scaled(at-w.x0, w.x1-w.x0, int64(w.columns)))
}

// row is an offset's row from the top, 0 to plotRows.
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
func (w *window) percent(column int) string {
	digits := 1
	if w.columns > 1000 {
		digits = 3
	}
	return strconv.FormatFloat(float64(column)*100/float64(w.columns), 'f', digits, 64) + "%"
}

const (
	// margin is the share, 1/margin on each side, by which a plot is wider than
	// what it shows, so that marks at its borders are whole.
	margin = 40
	// minRows keeps one byte from filling the plot of a connection without data.
	minRows = 10
)

// timeWindow is a window for the time from first to last, with its margins.
func timeWindow(first, last int64, columns int) window {
	last = max(last, first)
	wide := (last-first)/margin + 1
	return window{x0: first - wide, x1: last + wide, columns: columns}
}

// window is what a plot of the direction shows. If the window's edge lies so far
// beyond the data that they would be a flat line, the scale ignores it.
func (d *direction) window(v *view, height int) window {
	var shown, edges extent
	include := func(e *extent, offset int64) { e.add(extent{offset, offset + 1}) }
	for i := range d.cells {
		c := &d.cells[i]
		shown.add(c.sent)
		shown.add(c.resent)
		for m := range markRST {
			if c.marks.has(m) {
				include(&shown, c.offset[m])
			}
		}
		if c.known {
			include(&shown, c.ack)
			include(&edges, c.edges.lo)
			include(&edges, c.edges.hi)
		}
	}
	if d.before.known {
		include(&shown, d.before.ack)
		include(&edges, d.before.edge)
	}
	shown.hi = max(shown.hi, shown.lo+minRows)
	if span := shown.hi - shown.lo; edges.hi <= shown.hi+span {
		shown.hi = max(shown.hi, edges.hi)
	}
	high := (shown.hi-shown.lo)/(margin/4) + 1
	w := timeWindow(v.x0, v.x1, v.columns)
	w.y0, w.y1, w.height = shown.lo-high/2, shown.hi+high, height
	w.beyond = edges.hi > w.y1
	return w
}
