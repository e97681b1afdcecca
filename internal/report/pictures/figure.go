// Package pictures draws time-sequence pictures of connections, as Ostermann's
// tcptrace and xplot do, and an overview of a trace. A Series takes segments; its
// Figure holds numbers and words, and the templates turn it into SVG.
//
// All of that is made here, except names from the caller: they go through the
// escaping of html/template.
package pictures

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Templates holds pictures.tmpl, which defines "figure" (of a *Figure) and
// "overview" (of an *Overview) for a page's template.
//
//go:embed pictures.tmpl
var Templates embed.FS

// A Subject says what a figure is about.
type Subject struct {
	Zero       int64             // time 0 of the axis, nanoseconds since 1970
	ISS        [2]reassembly.Seq // sequence numbers 0 of the axes
	Start, End int64             // the shaded time range, the finding's; 0 if there is none
	Top        reassembly.Side   // the side whose direction is on top
	Names      [2]string         // "client", "server"
	Parties    [2]string         // the same with endpoints
	Waits      []Wait            // what was waited for, in order; none if that is unknown
}

// A Figure is a picture of a connection: a plot for each direction in which
// something was sent, and a legend that says the same in words.
type Figure struct {
	Title string
	Note  string
	Strip []band // what was waited for, above the plots
	Plots []*plot
	Rows  []legendRow

	Waits []Colour // that the strip has

	// Of a picture into which a reader can zoom: the times of its left and right, in
	// seconds since Subject.Zero.
	From, To string

	window window
	sides  []reassembly.Side // of the first plots
}

// A Colour says what a colour of a strip or bar means.
type Colour struct{ Class, Name, Meaning string }

// StripAxis is the width of the strip's margin: that of the plots' vertical axes.
func (f *Figure) StripAxis() int {
	if len(f.Plots) == 0 {
		return 0
	}
	return f.Plots[0].Axis
}

// A legendRow says what a sign means, and where it is: a cell for each plot.
type legendRow struct {
	Class, Sign string // Sign is empty for lines
	Meaning     string
	Cells       []string
}

// A view is a subject and the time that its figure shows.
type view struct {
	Subject
	x0, x1  int64
	columns int
}

// Figure draws the series. The IDs in the page's document begin with id.
func (s *Series) Figure(subject Subject, title, id string) *Figure {
	v := &view{subject, s.from, s.to, s.columns()}
	if s.to == math.MaxInt64 {
		v.x1 = max(s.last, v.End)
	}
	f := &Figure{Title: title}
	shown, height := make([]reassembly.Side, 0, 2), plotHigh
	for _, side := range [...]reassembly.Side{v.Top, v.Top.Peer()} {
		if len(shown) > 0 && !s.sent[side].active() {
			continue
		}
		p := s.plot(side, v, height)
		p.ID = id + side.String()
		p.Heading = fmt.Sprintf("Sent by %s, acknowledged by %s", v.Parties[side], v.Names[side.Peer()])
		p.Short = "sent by " + v.Names[side]
		p.Desc = s.describe(side, v)
		f.Plots, shown, height = append(f.Plots, p), append(shown, side), plotLow
	}
	widest := 0
	f.sides = shown
	if s.fine {
		f.Plots = append(f.Plots, s.charts(shown, v)...)
	}
	for _, p := range f.Plots {
		widest = max(widest, p.Axis)
	}
	for _, p := range f.Plots { // so that the time axes match
		p.Axis = widest
	}
	w := timeWindow(v.x0, v.x1, v.columns)
	f.Strip, f.window = bands(v.Waits, &w), w
	f.Waits = waitLegend(f.Strip, v.Waits)
	if s.fine {
		f.From, f.To = seconds(w.x0-v.Zero), seconds(w.x1-v.Zero)
	}
	f.Note = s.note(f, v)
	f.Rows = s.legend(shown, v)
	return f
}

// active reports whether a direction is worth a plot: something was sent in it
// besides ACKs.
func (d *direction) active() bool {
	return d.segments.n+d.marks[markFIN].n+d.marks[markRST].n+d.marks[markZeroWindow].n > 0
}

// note is what must be known to read the picture.
func (s *Series) note(f *Figure, v *view) string {
	note := "Time counts from the connection's first frame, sequence numbers from the initial ones."
	switch {
	case v.Start == 0:
	case v.End > v.Start:
		note += " The shaded range, " + v.clock(v.Start) + " to " + v.clock(v.End) + ", is the time of the finding."
	default:
		note += " The finding is at " + v.clock(v.Start) + "."
	}
	if slices.ContainsFunc(f.Plots, func(p *plot) bool { return p.beyond }) {
		note += " A window edge beyond the scale is drawn along the top."
	}
	if !s.scale[0].seen || !s.scale[1].seen {
		note += " The window edge is a lower bound, because no window scale was seen."
	}
	return note
}

// seconds are for a script: all digits.
func seconds(ns int64) string { return strconv.FormatFloat(float64(ns)/1e9, 'f', -1, 64) }

// Spot is where a segment is in a figure: its time as a share of the width, and for each
// of the first plots its height as a share of the plot's, empty where it is not drawn.
func (f *Figure) Spot(s *Series, side reassembly.Side, seg *reassembly.Segment) (x string, y [2]string) {
	share := func(n, of int) string { return strconv.FormatFloat(float64(n)/float64(of), 'f', 5, 64) }
	for i, of := range f.sides {
		d, w := &s.sent[of], &f.Plots[i].window
		switch {
		case of == side && seg.SeqLen() > 0:
			y[i] = share(w.row(d.place(seg.Seq)+int64(seg.SeqLen())), plotRows)
		case of != side && seg.Flags.Has(reassembly.ACK):
			y[i] = share(w.row(d.place(seg.Ack)), plotRows)
		}
	}
	return share(f.window.column(seg.At), f.window.columns), y
}

// place is a sequence number's offset once all segments have come, for all but those
// whose numbers are used a second time.
func (d *direction) place(seq reassembly.Seq) int64 { return int64(uint32(seq - d.base)) }

// clock is a time on the axis.
func (v *view) clock(at int64) string {
	digits := 3
	if v.x1-v.x0 < int64(time.Second) {
		digits = 6
	}
	return strconv.FormatFloat(float64(at-v.Zero)/1e9, 'f', digits, 64) + "\u00a0s" // it stays on one line
}

// words say how many, and when; nothing if there are none.
func (c *counter) words(v *view) string {
	switch c.n {
	case 0:
		return ""
	case 1:
		return "1, at " + v.clock(c.first)
	}
	return quantity.Thousands(c.n) + ", " + v.clock(c.first) + " to " + v.clock(c.last)
}

// legend is the table for the plots of these directions.
func (s *Series) legend(sides []reassembly.Side, v *view) (rows []legendRow) {
	add := func(class, sign, meaning string, words func(*direction) string) {
		r := legendRow{Class: class, Sign: sign, Meaning: meaning}
		for _, side := range sides {
			r.Cells = append(r.Cells, words(&s.sent[side]))
		}
		if slices.ContainsFunc(r.Cells, func(cell string) bool { return cell != "" }) {
			rows = append(rows, r)
		}
	}
	add("sent", "", "data, from its first byte to its last", func(d *direction) string { return d.segments.words(v) })
	add("ack", "", "ACKs, and what they acknowledge", func(d *direction) string { return d.acks.words(v) })
	add("edge", "", "right edge of the receive window", func(d *direction) string {
		if !d.acked {
			return ""
		}
		return "up to " + quantity.Count(uint64(d.widest), "byte")
	})
	add("again", "", "data that was sent again", func(d *direction) string { return d.marks[markResent].words(v) })
	add("sacked", "", "SACK: what arrived beyond the ACK", func(d *direction) string { return d.sacks.words(v) })
	for m, sign := range Signs {
		add(sign.Class, sign.Sign, sign.Meaning, func(d *direction) string { return d.marks[m].words(v) })
	}
	return rows
}

// describe is a plot in words, for people who cannot see it.
func (s *Series) describe(side reassembly.Side, v *view) string {
	words := fmt.Sprintf("Time from %s to %s", v.clock(v.x0), v.clock(v.x1))
	if v.Start != 0 {
		words += fmt.Sprintf("; shaded from %s to %s", v.clock(v.Start), v.clock(v.End))
	}
	for _, row := range s.legend([]reassembly.Side{side}, v) {
		words += "; " + row.Meaning
		if row.Sign != "" && row.Sign != row.Meaning {
			words += " (" + row.Sign + ")"
		}
		words += ": " + row.Cells[0]
	}
	return words + "."
}
