package report

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A timeline is the picture of the whole trace: a bar for each connection, or
// where there are many how many were open at a time; and the findings.
type timeline struct {
	Desc    string
	Note    string
	Axis    int
	Height  int
	AxisRow int // pixels
	Base    int
	Columns []tick
	Bars    []bar
	Area    *area
	Rows    []timelineRow
}

// A bar is one connection from its first frame to its last.
type bar struct {
	Name              string
	NameY, Y, LetterY int
	X, Width          string
	Marks             []timelineMark
}

// Top and Bottom are how far marks reach beyond the bar.
func (b bar) Top() int    { return b.Y - 2 }
func (b bar) Bottom() int { return b.Y + 11 }

// A timelineMark is a finding, where it begins.
type timelineMark struct{ Class, Letter, X string }

// An area is how many connections were open, a level for each column.
type area struct {
	Line, Fill string
	Top, Inner int
	Rows       []tick
}

// A timelineRow is the findings of one severity under an area.
type timelineRow struct {
	Class, Word   string
	Y, Top, Inner int
	Path          string
}

const (
	barsMost       = 12 // connections with a bar of their own
	barRow         = 44 // pixels
	areaHeight     = 120
	timelineRowGap = 18
)

// severityWords are the classes of findings, the worst first, each with its
// letter in pictures.
var severityWords = [...]struct{ class, letter string }{
	{detectors.Critical.String(), "C"}, {detectors.Warning.String(), "W"}, {detectors.Info.String(), "I"}, {detectors.Undecided.String(), "?"},
}

// severityRank is a finding's place in severityWords.
func severityRank(f *result.Finding) int {
	if f.Verdict == detectors.Undecided {
		return len(severityWords) - 1
	}
	return int(detectors.Critical - f.Severity)
}

// newTimeline draws the connections that the report lists; nil if it lists none.
func newTimeline(r *result.Report) *timeline {
	if len(r.Flows) == 0 {
		return nil
	}
	w := timeWindow(r.Trace.First, r.Trace.End)
	t := &timeline{Columns: timeTicks(&w, r.Trace.First)}
	which := "Every connection"
	if uint64(len(r.Flows)) < r.Totals.Flows {
		which = "The connections with findings, " + thousands(uint64(len(r.Flows))) + " of " + thousands(r.Totals.Flows)
	}
	if len(r.Flows) <= barsMost {
		t.bars(r, &w)
		t.Note = which + ", from first frame to last. Letters are findings: C critical, W warning, I info, ? undecided."
	} else {
		most := t.area(r, &w)
		t.Note = fmt.Sprintf("%s: how many were open at a time, at most %s; below, when findings began.", which, thousands(uint64(most)))
	}
	t.Desc = t.Note + " " + verdictSentence(r, true) + "."
	t.AxisRow, t.Height = t.Base+15, t.Base+plotBottom
	return t
}

// bars gives each connection its own.
func (t *timeline) bars(r *result.Report, w *window) {
	rows := map[uint64]int{}
	for i := range r.Flows {
		f := &r.Flows[i]
		rows[f.ID] = i
		from, to := w.column(f.First), w.column(f.Last)
		y := i * barRow
		t.Bars = append(t.Bars, bar{
			Name: connection(f), NameY: y + 13, Y: y + 19, LetterY: y + 40,
			X: percent(from), Width: percent(max(to-from, 2)),
		})
	}
	taken := map[[2]int]bool{} // row and column, at the width of a letter
	for i := range r.Findings {
		f := &r.Findings[i]
		row, column := rows[f.Flow.ID], w.column(f.Start)
		place := [2]int{row, column * phoneWidth / plotColumns / 10}
		if taken[place] {
			continue
		}
		taken[place] = true
		word := severityWords[severityRank(f)]
		t.Bars[row].Marks = append(t.Bars[row].Marks, timelineMark{word.class, word.letter, percent(column)})
	}
	t.Base = len(t.Bars)*barRow + 4
}

// area counts them, and returns the most that were open at a time.
func (t *timeline) area(r *result.Report, w *window) int {
	open := make([]int, plotColumns+2)
	for i := range r.Flows {
		open[w.column(r.Flows[i].First)]++
		open[w.column(r.Flows[i].Last)+1]--
	}
	most := 0
	for i := 1; i < len(open); i++ {
		open[i] += open[i-1]
	}
	for _, n := range open {
		most = max(most, n)
	}
	w.y0, w.y1 = 0, int64(most)+int64(most)/8+1
	var s stair
	for column := range plotColumns {
		s.step(column, w.row(int64(open[column])))
	}
	path := s.end(plotColumns)
	t.Area = &area{Line: path, Fill: path + fmt.Sprintf("V%dH0Z", plotRows), Top: plotTop, Inner: areaHeight}
	step := roundStep((w.y1)/3, 1)
	for n := int64(0); n < w.y1; n += step {
		t.Area.Rows = append(t.Area.Rows, tick{Y: plotTop + w.row(n)*areaHeight/plotRows, Text: thousands(uint64(n))})
	}
	t.severities(r, w)
	return most
}

// severities adds a row of findings for each severity that there is.
func (t *timeline) severities(r *result.Report, w *window) {
	var columns [len(severityWords)][plotColumns + 1]bool
	var any [len(severityWords)]bool
	for i := range r.Findings {
		rank := severityRank(&r.Findings[i])
		columns[rank][w.column(r.Findings[i].Start)], any[rank] = true, true
	}
	y := plotTop + areaHeight + 6
	t.Axis = axisWidth("undecided")
	for rank, word := range severityWords {
		if !any[rank] {
			continue
		}
		var p pen
		for column, hit := range columns[rank] {
			if hit {
				p.to('M', column, 0)
				p.to('v', plotRows)
			}
		}
		t.Rows = append(t.Rows, timelineRow{word.class, word.class, y + 11, y, timelineRowGap - 4, string(p)})
		y += timelineRowGap
	}
	t.Base = y + 2
}

// TickEnd is where the labels of the axis end.
func (t *timeline) TickEnd() int { return t.Axis - 6 }

// ViewBox is the space of the paths.
func (t *timeline) ViewBox() string { return plot{}.ViewBox() }
