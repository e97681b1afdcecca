package pictures

import (
	"slices"
	"strconv"
)

// A Wait is a stretch of a strip: what a connection waited for.
type Wait struct {
	Name       string // "server-app"
	Start, End int64  // nanoseconds since 1970
	Words      string // "server-app, 2.52 s"
	Meaning    string // "the server's application had nothing to send"
}

// A band is a wait in a picture.
type band struct{ X, Width, Class, Words string }

// bands are the waits that a window of time shows: those of a column or more, and what
// lies between two of these.
func bands(list []Wait, w *window) (drawn []band) {
	for i := range list {
		x := &list[i]
		from, to := w.column(x.Start), w.column(x.End)
		if to <= from {
			continue
		}
		drawn = append(drawn, band{X: w.percent(from), Width: w.percent(to - from), Class: "wait " + x.Name, Words: x.Words})
	}
	return drawn
}

// waitLegend are the waits that are drawn, each once, in order of appearance.
func waitLegend(drawn []band, list []Wait) (legend []Colour) {
	for i := range drawn {
		class := drawn[i].Class
		if slices.ContainsFunc(legend, func(l Colour) bool { return l.Class == class }) {
			continue
		}
		at := slices.IndexFunc(list, func(x Wait) bool { return "wait "+x.Name == class })
		legend = append(legend, Colour{class, list[at].Name, list[at].Meaning})
	}
	return legend
}

// A Bar is what a connection waited for, one wait after the other.
type Bar []Segment

// A Segment is a wait's part of a bar, in percent.
type Segment struct{ X, Width, Class, Words string }

// NewBar makes a bar of amounts and their names.
func NewBar(amounts []int64, names, words []string) (b Bar) {
	total, at := int64(0), int64(0)
	for _, n := range amounts {
		total += n
	}
	share := func(n int64) string { return strconv.FormatFloat(float64(n)*100/float64(total), 'f', 2, 64) + "%" }
	for i, n := range amounts {
		if n > 0 {
			b = append(b, Segment{share(at), share(n), "wait " + names[i], words[i]})
			at += n
		}
	}
	return b
}
