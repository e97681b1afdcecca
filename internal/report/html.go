package report

import (
	"bufio"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// htmlFiles are the page's template and its style sheet. Everything from outside goes
// through the template's escaping; nothing is marked as safe.
//
//go:embed html.tmpl connection.tmpl html.css
var htmlFiles embed.FS

// htmlTemplate is parsed when it is needed: it takes half a millisecond, of the
// ten in which a small capture is analysed.
var htmlTemplate = sync.OnceValue(func() *template.Template {
	t := template.New("html.tmpl").Funcs(template.FuncMap{"thousands": quantity.Thousands, "paragraphs": paragraphs, "count": quantity.Count})
	t = template.Must(t.ParseFS(htmlFiles, "html.tmpl", "connection.tmpl", "html.css"))
	return template.Must(t.ParseFS(pictures.Templates, "*.tmpl"))
})

// HTML writes the report as one page that needs nothing else: no font, no picture from
// elsewhere, and no script but that of a single connection's pictures. It groups as Text does, the worst first, and
// has at most maxSections findings in full.
func HTML(w io.Writer, r *result.Report, o Options) error {
	o.page = true
	out := bufio.NewWriterSize(w, 1<<16)
	if err := htmlTemplate().Execute(out, newPage(r, &o)); err != nil {
		return err
	}
	return out.Flush()
}

// Style is the style sheet of pages, for those that show parts of them.
func Style() string {
	style, err := htmlFiles.ReadFile("html.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(style)
}

// A page is the document with what only a page has room for.
type page struct {
	*document
	Period   string
	Seconds  string // from the first frame to the end of the trace
	Tiles    []tile
	Overview *pictures.Overview
	Whole    *connectionPage // of the one connection that was asked for; else nil
	Warnings []string
	Limits   []string
}

// A tile is one of the page's large numbers.
type tile struct{ Class, Number, Noun string }

func newPage(r *result.Report, o *Options) *page {
	p := &page{document: newDocument(r, o, sections(r, o)), Tiles: tiles(r), Overview: overview(r)}
	if o.Connection {
		p.Whole = newConnectionPage(r, o)
	}
	p.Limits = append(p.Notes, flowLimits(r)...)
	for _, c := range p.Captures {
		for _, w := range c.Warnings {
			p.Warnings = append(p.Warnings, c.File+": "+w)
		}
	}
	if r.Trace.First != 0 {
		from, to := period(r)
		p.Seconds = quantity.Seconds(to - from)
		p.Period = quantity.Instant(from) + " to " + quantity.Instant(to)
	}
	if slices.ContainsFunc(p.Sections, func(s section) bool { return !s.Full }) {
		inFull := 0
		for i := range p.Sections {
			inFull += len(p.Sections[i].Findings)
		}
		p.Omissions = sorting.Insert(p.Omissions, 0, fmt.Sprintf("Of the findings, %d are shown in full, those without a link in one line%s", inFull, o.listedIn()))
	}
	return p
}

// tiles are what was read and what was found.
func tiles(r *result.Report) []tile {
	seen, undecided := verdicts(r)
	counted := func(class string, n uint64, noun string) tile {
		number, words, _ := strings.Cut(quantity.Count(n, noun), " ")
		return tile{class, number, words}
	}
	return []tile{
		{"critical", quantity.Thousands(seen[detectors.Critical]), "critical"},
		counted("warning", seen[detectors.Warning], "warning"),
		{"info", quantity.Thousands(seen[detectors.Info]), "info"},
		{"undecided", quantity.Thousands(undecided), "undecided"},
		counted("", r.Totals.Flows, "connection"),
		counted("", r.Totals.Packets, "packet"),
	}
}

// flowLimits are the limits of the listed connections, and how many have each.
func flowLimits(r *result.Report) (lines []string) {
	for bit := fsm.Limits(1); bit != 0; bit <<= 1 {
		n := uint64(0)
		for i := range r.Flows {
			if r.Flows[i].Limits&bit != 0 {
				n++
			}
		}
		if n > 0 {
			lines = append(lines, limits(bit)+": "+quantity.Count(n, "connection"))
		}
	}
	return lines
}
