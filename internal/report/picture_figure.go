package report

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A figure is a picture of a connection: a plot for each direction in which
// something was sent, and a table that tells the same in words.
type figure struct {
	Title string
	Note  string
	Plots []*plot
	Rows  []legendRow
}

// A legendRow says what a sign means, and where it is: a cell for each plot.
type legendRow struct {
	Class, Sign string // Sign is empty for lines
	Meaning     string
	Cells       []string
}

// figures are the pictures of a finding: a close one where the whole connection
// is too long to show it, and the whole.
func (k *sketch) figures(f *result.Finding, id string) []*figure {
	if k == nil || !k.whole.began {
		return nil
	}
	var list []*figure
	if c := k.close[f]; c != nil && c.began {
		list = append(list, k.figure(f, &c.series, c.title, id+"c"))
	}
	return append(list, k.figure(f, k.whole, "The whole connection", id+"w"))
}

func (k *sketch) figure(f *result.Finding, s *series, title, id string) *figure {
	v := &view{zero: k.flow.First, iss: k.flow.ISS, x0: s.from, x1: s.to, start: f.Start, end: f.End}
	if s == k.whole {
		v.x1 = max(s.last, f.End)
	}
	fig := &figure{Title: title}
	var shown []reassembly.Side
	for _, side := range k.plotOrder(f) {
		if len(shown) > 0 && !s.sent[side].telling() {
			continue
		}
		height := plotHeight
		if len(shown) > 0 {
			height = plotLow
		}
		p := s.plot(side, v, height)
		p.ID = id + side.String()
		p.Heading = fmt.Sprintf("What %s sent, and %s acknowledged", party(f, side), ends(f.Flow)[side.Peer()])
		p.Short = "sent by " + ends(f.Flow)[side]
		p.Desc = s.describe(side, v)
		fig.Plots, shown = append(fig.Plots, p), append(shown, side)
	}
	fig.align()
	fig.Note = fig.note(s, v)
	fig.Rows = s.legend(shown, v)
	return fig
}

// align makes the sequence axes equally wide, so that the time axes match.
func (f *figure) align() {
	widest := 0
	for _, p := range f.Plots {
		widest = max(widest, p.Axis)
	}
	for _, p := range f.Plots {
		p.Axis = widest
	}
}

// plotOrder are the sides, the one first whose sequence space tells the story:
// what took room in it or meant to, and what the peer said to it.
func (k *sketch) plotOrder(f *result.Finding) [2]reassembly.Side {
	var weight [2]int
	for i := range f.Evidence {
		seg := &f.Evidence[i].Seg
		side := sender(f.Flow, seg)
		switch {
		case seg.SeqLen() > 0, seg.Flags.Has(reassembly.RST), k.isProbe(seg):
			weight[side] += 2
		case seg.Window == 0:
			weight[side.Peer()] += 2
		default:
			weight[side.Peer()]++
		}
	}
	if weight[reassembly.B] > weight[reassembly.A] {
		return [2]reassembly.Side{reassembly.B, reassembly.A}
	}
	return [2]reassembly.Side{reassembly.A, reassembly.B}
}

func (k *sketch) isProbe(seg *reassembly.Segment) bool {
	m := k.moment(frameID{seg.File, seg.Frame})
	return m != nil && (m.turn.Class == fsm.Probe || m.turn.Class == fsm.KeepAlive || m.turn.Class == fsm.Ambiguous)
}

// telling reports whether a direction is worth a plot: something was sent in it
// besides ACKs.
func (d *oneWay) telling() bool {
	return d.segments.n+d.marks[markFIN].n+d.marks[markRST].n+d.marks[markShut].n > 0
}

// note is what must be known to read the picture.
func (f *figure) note(s *series, v *view) string {
	note := "Time counts from the connection's first frame, sequence numbers from the initial ones."
	if v.end > v.start {
		note += " The shaded stretch, " + clock(v.start, v) + " to " + clock(v.end, v) + ", is what the finding speaks of."
	} else {
		note += " The finding is at " + clock(v.start, v) + "."
	}
	if slices.ContainsFunc(f.Plots, func(p *plot) bool { return p.Beyond }) {
		note += " Where the window's edge lies beyond the scale, it is drawn along the top."
	}
	if !s.scaleKnown() {
		note += " The window's edge is a lower bound, because no window scale was seen."
	}
	return note
}

// clock is a time on the axis.
func clock(at int64, v *view) string {
	digits := 3
	if v.x1-v.x0 < int64(time.Second) {
		digits = 6
	}
	return strconv.FormatFloat(float64(at-v.zero)/1e9, 'f', digits, 64) + "\u00a0s" // it stays on one line
}

// in is the tally in words: how many, and when; nothing if there are none.
func (t *tally) in(v *view) string {
	switch t.n {
	case 0:
		return ""
	case 1:
		return "1, at " + clock(t.first, v)
	}
	return thousands(t.n) + ", " + clock(t.first, v) + " to " + clock(t.last, v)
}

// legend is the table for the plots of these directions.
func (s *series) legend(sides []reassembly.Side, v *view) (rows []legendRow) {
	add := func(class, sign, meaning string, in func(*oneWay) string) {
		r := legendRow{Class: class, Sign: sign, Meaning: meaning}
		none := true
		for _, side := range sides {
			words := in(&s.sent[side])
			none = none && words == ""
			r.Cells = append(r.Cells, words)
		}
		if !none {
			rows = append(rows, r)
		}
	}
	add("sent", "", "data, from its first byte to its last", func(d *oneWay) string { return d.segments.in(v) })
	add("ack", "", "ACKs, and what they acknowledge", func(d *oneWay) string { return d.acks.in(v) })
	add("edge", "", "right edge of the receive window", (*oneWay).windowWords)
	for m, sign := range markSigns {
		add(sign.class, sign.sign, sign.meaning, func(d *oneWay) string { return d.marks[m].in(v) })
	}
	return rows
}

// windowWords is the largest window that the direction was given.
func (d *oneWay) windowWords() string {
	if !d.acked {
		return ""
	}
	return "up to " + count(uint64(d.widest), "byte")
}

// describe is a plot in words, for whoever cannot see it.
func (s *series) describe(side reassembly.Side, v *view) string {
	words := fmt.Sprintf("Time from %s to %s; shaded from %s to %s", clock(v.x0, v), clock(v.x1, v), clock(v.start, v), clock(v.end, v))
	for _, row := range s.legend([]reassembly.Side{side}, v) {
		words += "; " + row.Meaning
		if row.Sign != "" && row.Sign != row.Meaning {
			words += " (" + row.Sign + ")"
		}
		words += ": " + row.Cells[0]
	}
	return words + "."
}
