package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// A grid is a table of --time, for people: text, Markdown and HTML print it.
type grid struct {
	Title    string
	Head     []string
	Numbers  []bool // which columns are
	Rows     [][]string
	Bars     []pictures.Bar    // of the rows, on a page; none in tables of hosts
	Verdicts []term            // whom the first rows waited for, in a word, and why
	Notes    []string          // sentences, below
	Colours  []pictures.Colour // of the bars
	Short    *grid             // for terminals on which it does not fit, if there is one
	Spare    []string          // columns that such a terminal leaves out, the first first
}

// newBar draws what a connection waited for.
func newBar(w *detectors.Waits) pictures.Bar {
	var names, words []string
	for i, ns := range w {
		name := detectors.Wait(i).String()
		names, words = append(names, name), append(words, name+" "+quantity.Duration(ns))
	}
	return pictures.NewBar(w[:], names, words)
}

// maxTimeRows and maxHostRows are how many rows people get. JSON and CSV have all.
const (
	maxTimeRows = 20
	maxHostRows = 10
)

// timeGrids are where the time went: by connection, worst first, then by server and by
// client. There are none without accounts.
func timeGrids(r *result.Report) []grid {
	worst, n := worstFlows(r)
	if n == 0 {
		return nil
	}
	grids := []grid{flowGrid(r, worst, n)}
	var servers, clients []*hostRow
	for _, h := range hosts(r) {
		if h.server {
			servers = append(servers, h)
		} else {
			clients = append(clients, h)
		}
	}
	if len(servers) > 0 {
		grids = append(grids, hostGrid("Servers, by how long their clients waited; response times", servers),
			hostGrid("Clients, by how long they waited", clients))
	}
	return grids
}

// worstFlows are the connections that were waited for longest, the first of equals first,
// and how many there are with an account.
func worstFlows(r *result.Report) (worst []*result.Flow, n int) {
	var longest [maxTimeRows + 1]int64 // of each of worst, and room for one more
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.Time == nil {
			continue
		}
		n++
		w := f.Time.Waits
		ns := waited(&w)
		if len(worst) == maxTimeRows && ns <= longest[maxTimeRows-1] {
			continue
		}
		at := len(worst)
		for at > 0 && longest[at-1] < ns {
			longest[at] = longest[at-1]
			at--
		}
		longest[at] = ns
		worst = sorting.Insert(worst, at, f)
		worst = worst[:min(len(worst), maxTimeRows)]
	}
	return worst, n
}

// waitColumns are the waits that take a thousandth of the time or more, by name.
func waitColumns(total *detectors.Waits) (list []detectors.Wait) {
	for w := range detectors.NumWaits {
		if total[w] > 0 && total[w] >= total.Sum()/1000 {
			list = append(list, w)
		}
	}
	return list
}

// part is a wait's share of the time: "71 %"; empty below a half.
func part(ns, of int64) string {
	if of <= 0 || ns*200 < of {
		return ""
	}
	return fmt.Sprintf("%.0f %%", float64(ns)*100/float64(of))
}

// colours say what the colours of bars mean that show these waits.
func colours(total *detectors.Waits) (list []pictures.Colour) {
	for w := range detectors.NumWaits {
		if name := w.String(); part(total[w], total.Sum()) != "" {
			list = append(list, pictures.Colour{Class: "wait " + name, Name: name, Meaning: meaning(w)})
		}
	}
	return list
}

func flowGrid(r *result.Report, shown []*result.Flow, all int) grid {
	g := grid{Title: "Where the time went, by connection: the one that was waited for longest first", Head: []string{"ID", "CONNECTION", "DURATION"}, Numbers: []bool{true, false, true}}
	var total detectors.Waits
	for _, f := range shown {
		w := f.Time.Waits
		total.Add(&w)
	}
	g.Colours = colours(&total)
	cols := waitColumns(&total)
	for _, w := range cols {
		g.Head, g.Numbers = append(g.Head, w.String()), append(g.Numbers, true)
	}
	for _, f := range shown {
		w := f.Time.Waits
		d := w.Sum()
		row := []string{unsigned(f.ID), connection(f), quantity.Duration(d)}
		for _, c := range cols {
			row = append(row, part(w[c], d))
		}
		g.Rows, g.Bars = append(g.Rows, row), append(g.Bars, newBar(&w))
		if len(g.Verdicts) < maxHostRows {
			whom, why, _ := strings.Cut(result.WholeNumbers(explain(f), r.Near(f.Time)), ". ")
			g.Verdicts = append(g.Verdicts, term{Word: whom + ".", Text: why})
		}
	}
	if n := all - len(shown); n > 0 {
		g.Notes = append(g.Notes, "... and "+quantity.Count(uint64(n), "more connection")+": --format json and csv list them")
	}
	g.dropEmpty()
	g.Short = &grid{Title: g.Title, Head: []string{"ID", "CONNECTION", "DURATION", "WAITED FOR"}, Numbers: []bool{true, false, true, false}, Verdicts: g.Verdicts, Notes: g.Notes}
	for _, f := range shown {
		w := f.Time.Waits
		g.Short.Rows = append(g.Short.Rows, []string{unsigned(f.ID), connection(f), quantity.Duration(w.Sum()), shares(&w)})
	}
	return g
}

func hostGrid(title string, list []*hostRow) grid {
	g := grid{
		Title:   title,
		Head:    []string{"HOST", "CONN.", "WAITED", "MAINLY FOR", "EXCHANGES", "MEDIAN", "95 %", "MAX", "CONNECT", "BYTES", "RATE", "RESENT", "REFUSED", "RESET"},
		Numbers: []bool{1: true, 2: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true, 12: true, 13: true},
		Spare:   []string{"MAX", "CONNECT", "BYTES", "CONN.", "RATE", "RESENT", "EXCHANGES"},
	}
	for _, h := range worstHosts(list) {
		e, q := &h.exchanges, &h.exchanges.Responses
		row := []string{h.name(), quantity.Thousands(h.connections), quantity.Duration(waited(&h.waits)), h.mainly(), quantity.Thousands(q.Len() + uint64(e.Unanswered)), "", "", "", "", detectors.Size(h.bytes), "", "", "", ""}
		if q.Len() > 0 {
			row[5], row[6], row[7] = quantity.Duration(q.At(0.5)), quantity.Duration(q.At(0.95)), quantity.Duration(q.Max())
		}
		if h.connects.Len() > 0 {
			row[8] = quantity.Duration(h.connects.At(0.5))
		}
		if h.transfers > 0 {
			row[10] = detectors.Size(uint64(float64(h.transferred)/detectors.Seconds(h.transfers))) + "/s"
		}
		if h.rexmits > 0 {
			row[11] = fmt.Sprintf("%.1f %%", float64(h.rexmits)*100/float64(h.packets))
		}
		if h.refused > 0 {
			row[12] = quantity.Thousands(h.refused)
		}
		if h.resets > 0 {
			row[13] = quantity.Thousands(h.resets)
		}
		g.Rows = append(g.Rows, row)
	}
	if n := len(list) - len(g.Rows); n > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("... and %d more: --format json lists them", n))
	}
	g.dropEmpty()
	return g
}

// dropEmpty removes the columns in which no row has anything.
func (g *grid) dropEmpty() {
	for i := len(g.Head) - 1; i >= 0; i-- {
		if slices.ContainsFunc(g.Rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		g.drop(i)
	}
}

// name is a server's address and port, or a client's address.
func (h *hostRow) name() string {
	if h.server {
		return h.end.String()
	}
	return h.end.AddrPort().Addr().String()
}

// mainly is the wait that others waited for longest.
func (h *hostRow) mainly() string {
	w := h.waits
	w[detectors.Idle], w[detectors.Close], w[detectors.ClientApp] = 0, 0, 0
	if w.Sum() == 0 {
		return ""
	}
	most := w.Longest()
	return most.String() + " " + quantity.Duration(w[most])
}

// grids writes the tables of --time.
func (t *textWriter) grids(list []grid) {
	var gone []string
	for i := range list {
		g := &list[i]
		if room := t.o.room(2); room != 0 {
			var less []string
			g, less = g.fit(room)
			gone = append(gone, less...)
		}
		t.grid(g)
	}
	if slices.Sort(gone); len(gone) > 0 {
		t.line("A wider terminal also shows ", strings.TrimSuffix(strings.Join(slices.Compact(gone), ", "), "."), ".")
		t.line("")
	}
}

func (t *textWriter) grid(g *grid) {
	t.line(t.strong(g.Title))
	t.table("  ", append([][]string{g.Head}, g.Rows...), g.Numbers...)
	notes := make([]string, 0, len(g.Verdicts)+len(g.Notes))
	for i, v := range g.Verdicts {
		notes = append(notes, g.Rows[i][0]+": "+v.Word+" "+v.Text)
	}
	notes = append(notes, g.Notes...)
	if len(notes) > 0 {
		t.line("")
	}
	width := lineWidth * 2
	if t.o.Width != 0 {
		width = t.o.width() - 6
	}
	for _, n := range notes {
		for i, l := range wrap(n, width) {
			t.line("  ", padding("", 4*min(i, 1)), l)
		}
	}
	t.line("")
}
