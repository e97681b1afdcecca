package pictures

import (
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
)

// A Trace is what an overview shows. Times are nanoseconds since 1970.
type Trace struct {
	First, End  int64
	Which       string // which connections these are: "Every connection"
	Verdicts    string // how many findings, in words
	Connections []Connection
	Findings    []Finding
}

// A Connection is the time of one connection. Its name is printed if there are
// at most MaxBars.
type Connection struct {
	Name        string
	First, Last int64
}

// A Finding is the time of a finding, and its class: critical, warning, info or
// undecided.
type Finding struct {
	Connection int // index in Trace.Connections
	Start      int64
	Class      string
}

// MaxBars is how many connections get a bar of their own.
const MaxBars = 12

// classes are those of findings, the worst first, and letters their letters.
var classes = [...]string{"critical", "warning", "info", "undecided"}

const letters = "CWI?"

// rank is the index of the finding's class.
func (f *Finding) rank() int { return slices.Index(classes[:], f.Class) }

// An Overview is the picture of the whole trace: a bar for each connection, or if
// there are many the number of open ones over time; and the findings.
type Overview struct {
	canvas
	Desc    string
	Note    string
	Columns []tick
	Bars    []bar
	Area    *area
	Rows    []findingRow
}

// A bar is one connection from its first frame to its last.
type bar struct {
	Name              string
	NameY, Y, LetterY int
	X, Width          string
	Marks             []findingMark
}

// Top and Bottom are how far marks reach beyond the bar.
func (b bar) Top() int    { return b.Y - 2 }
func (b bar) Bottom() int { return b.Y + 11 }

// A findingMark is where a finding begins.
type findingMark struct{ Class, Letter, X string }

// An area is the number of open connections, a level for each column.
type area struct {
	Line, Fill string
	Inner      int
	Rows       []tick
}

// A findingRow is the findings of one class under an area.
type findingRow struct {
	Class         string
	Y, Top, Inner int
	Path          string
}

const (
	barRow        = 44 // pixels
	areaHeight    = 120
	findingRowGap = 18
)

// NewOverview draws the trace; nil if it lists no connection.
func NewOverview(t *Trace) *Overview {
	if len(t.Connections) == 0 {
		return nil
	}
	w := timeWindow(t.First, t.End, plotColumns)
	o := &Overview{canvas: canvas{columns: plotColumns}, Columns: timeTicks(&w, t.First)}
	if len(t.Connections) <= MaxBars {
		o.bars(t, &w)
		o.Note = t.Which + ", from first frame to last. Letters are findings: C critical, W warning, I info, ? undecided."
	} else {
		most := o.area(t, &w)
		o.findings(t, &w)
		o.Note = fmt.Sprintf("%s: how many were open at a time, at most %s; below, when findings began.", t.Which, quantity.Thousands(uint64(most)))
	}
	o.Desc = o.Note + " " + t.Verdicts + "."
	return o
}

// bars gives each connection its own.
func (o *Overview) bars(t *Trace, w *window) {
	for i := range t.Connections {
		c := &t.Connections[i]
		from, to := w.column(c.First), w.column(c.Last)
		y := i * barRow
		o.Bars = append(o.Bars, bar{
			Name: c.Name, NameY: y + 13, Y: y + 19, LetterY: y + 40,
			X: w.percent(from), Width: w.percent(max(to-from, 2)),
		})
	}
	taken := map[[2]int]bool{} // by bar and column, at the width of a letter
	for i := range t.Findings {
		f := &t.Findings[i]
		column := w.column(f.Start)
		slot := [2]int{f.Connection, column * phoneWidth / plotColumns / 10}
		if !taken[slot] {
			taken[slot] = true
			b := &o.Bars[f.Connection]
			b.Marks = append(b.Marks, findingMark{f.Class, letters[f.rank():][:1], w.percent(column)})
		}
	}
	o.Base = len(o.Bars)*barRow + 4
}

// area draws the number of open connections, and returns the largest.
func (o *Overview) area(t *Trace, w *window) int {
	open := make([]int, plotColumns+2)
	for i := range t.Connections {
		open[w.column(t.Connections[i].First)]++
		open[w.column(t.Connections[i].Last)+1]--
	}
	for i := 1; i < len(open); i++ {
		open[i] += open[i-1]
	}
	most := slices.Max(open)
	w.y0, w.y1 = 0, int64(most)+int64(most)/8+1
	var s stair
	for column := range plotColumns {
		s.step(column, w.row(int64(open[column])))
	}
	path := s.end(plotColumns)
	o.Area = &area{Line: path, Fill: path + fmt.Sprintf("V%dH0Z", plotRows), Inner: areaHeight}
	for n, step := int64(0), roundStep(w.y1/3, 1); n < w.y1; n += step {
		o.Area.Rows = append(o.Area.Rows, tick{Y: plotTop + w.row(n)*areaHeight/plotRows, Text: quantity.Thousands(uint64(n))})
	}
	return most
}

// findings adds a row for each class of findings that there is.
func (o *Overview) findings(t *Trace, w *window) {
	var hits [len(classes)][plotColumns + 1]bool
	for i := range t.Findings {
		hits[t.Findings[i].rank()][w.column(t.Findings[i].Start)] = true
	}
	y := plotTop + areaHeight + 6
	o.Axis = axisWidth("undecided")
	for rank := range hits {
		var p pen
		for column, hit := range hits[rank] {
			if hit {
				p.to('M', column, 0)
				p.to('v', plotRows)
			}
		}
		if p != nil {
			o.Rows = append(o.Rows, findingRow{classes[rank], y + 11, y, findingRowGap - 4, string(p)})
			y += findingRowGap
		}
	}
	o.Base = y + 2
}
