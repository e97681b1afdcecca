package report

import (
	"bufio"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// The page's template and its style sheet. Whatever comes from outside goes
// through the template's escaping; nothing is marked as safe.
//
//go:embed html.tmpl html.css
var htmlFiles embed.FS

// htmlTemplate is parsed by those who want a page: it takes half a millisecond, of
// the ten in which a small capture is to be answered.
var htmlTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").ParseFS(htmlFiles, "html.tmpl", "html.css"))
})

// HTML writes the report as one page that needs nothing else: no script, no
// font, no picture from elsewhere. It groups as Text does, the worst first, and
// tells at most maxSections findings in full.
func HTML(w io.Writer, r *result.Report, o Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if err := htmlTemplate().ExecuteTemplate(out, "html.tmpl", newPage(r, &o)); err != nil {
		return err
	}
	return out.Flush()
}

// maxSections bounds the page, whatever is in the trace: a finding in full takes
// up to 100 KB for each of its pictures.
const maxSections = 50

// sections are the groups in the order of the page. At most maxSections of
// their findings are left to be told in full.
func sections(r *result.Report, o *Options) []*group {
	groups := groupFindings(r, o.Undecided)
	slices.SortStableFunc(groups, severityFirst)
	left := maxSections
	for _, g := range groups {
		if g.detail != full {
			continue
		}
		if left == 0 {
			g.detail = brief
			continue
		}
		g.room.full = min(g.room.full, left)
		left -= g.inFull()
	}
	return groups
}

// severityFirst orders the worst first, and what is undecided last.
func severityFirst(a, b *group) int {
	return cmp.Or(cmp.Compare(a.verdict, b.verdict), cmp.Compare(b.severity, a.severity))
}

// inFull is how many of a group's findings are told in full.
func (g *group) inFull() int {
	if g.detail != full {
		return 0
	}
	return min(g.room.full, len(g.findings))
}

// A page is what the template is given.
type page struct {
	r *result.Report
	o *Options

	drawn int // findings

	Title     string
	Version   string
	Totals    string
	Period    string
	Tiles     []tile
	Captures  []captureRow
	Timeline  *timeline
	Warnings  []string
	Limits    []string
	Summary   []summaryRow
	Omissions []string
	Sections  []section
}

// A tile is one of the page's large numbers.
type tile struct{ Class, Number, Noun string }

// A captureRow is one input.
type captureRow struct{ File, What, Packets, First, Lasted string }

// A summaryRow is one group in the table on top; Number 0 is without a section.
type summaryRow struct {
	Number                    int
	Class, Word, What, Who, N string
	Since                     string
	Title                     string
}

func newPage(r *result.Report, o *Options) *page {
	p := &page{r: r, o: o, Title: "TCP trace report", Version: o.Version, Totals: Clean(totalsSentence(r, o.Undecided))}
	if r.Trace.First != 0 {
		p.Period = instant(r.Trace.First) + " to " + instant(r.Trace.End)
	}
	groups := sections(r, o)
	p.Tiles = tiles(r)
	p.Timeline = newTimeline(r)
	for i := range r.Captures {
		c := &r.Captures[i]
		p.Captures = append(p.Captures, newCaptureRow(c))
		for _, w := range captureWarnings(c) {
			p.Warnings = append(p.Warnings, Clean(w))
		}
	}
	for _, n := range r.Notes {
		p.Limits = append(p.Limits, Clean(n.Message))
	}
	p.Limits = append(p.Limits, flowLimits(r)...)
	for _, g := range groups {
		p.group(g)
	}
	if slices.ContainsFunc(p.Summary, func(row summaryRow) bool { return row.Number == 0 }) {
		p.Omissions = append(p.Omissions, fmt.Sprintf("Of the findings, %d are told in full, and what has no link in one line: --format json lists them all", p.drawn))
	}
	p.Omissions = append(p.Omissions, omissions(r, groups, o.Undecided)...)
	return p
}

// group adds a group to the table on top, and its section if it has one.
func (p *page) group(g *group) {
	if g.detail == counted {
		return
	}
	first := g.findings[0]
	row := summaryRow{
		Class: severityClass(g), Word: g.word(), What: g.class.String(), Title: Clean(p.o.Names.respell(first.Title)),
		Who: party(first, first.Culprit), N: thousands(uint64(len(g.findings))), Since: offset(first.Start-p.r.Trace.First) + " s",
	}
	if len(g.findings) > 1 {
		row.Title = g.summary(p.o.Names)
	}
	if g.detail == full {
		row.Number = len(p.Sections) + 1
		p.Sections = append(p.Sections, p.section(g, row))
	}
	p.Summary = append(p.Summary, row)
}

// severityClass is what paints a group's word.
func severityClass(g *group) string {
	if g.verdict == detectors.Undecided {
		return "undecided"
	}
	return g.severity.String()
}

// tiles are what was read and what was found.
func tiles(r *result.Report) []tile {
	seen, undecided := verdicts(r)
	plural := func(class string, n uint64, noun string) tile {
		number, words, _ := strings.Cut(count(n, noun), " ")
		return tile{class, number, words}
	}
	return []tile{
		{"critical", thousands(seen[detectors.Critical]), "critical"},
		plural("warning", seen[detectors.Warning], "warning"),
		{"info", thousands(seen[detectors.Info]), "info"},
		{"undecided", thousands(undecided), "undecided"},
		plural("", r.Totals.Flows, "connection"),
		plural("", r.Totals.Packets, "packet"),
	}
}

func newCaptureRow(c *result.Capture) captureRow {
	row := captureRow{File: Clean(c.File), What: Clean(describe(c)), Packets: thousands(c.Packets)}
	if c.Packets > 0 {
		row.First, row.Lasted = instant(c.Span.First), duration(c.Span.Last-c.Span.First)
	}
	return row
}

// flowLimits are the reasons to trust the connections' records less, with how
// many of those listed they concern.
func flowLimits(r *result.Report) (lines []string) {
	var n [16]uint64
	for i := range r.Flows {
		for bit := range n {
			if r.Flows[i].Limits&(1<<bit) != 0 {
				n[bit]++
			}
		}
	}
	for bit, flows := range n {
		if flows == 0 {
			continue
		}
		for _, l := range limitLines(fsm.Limits(1 << bit)) {
			lines = append(lines, l+": "+count(flows, "connection"))
		}
	}
	return lines
}

// paragraphs are the parts of a text between empty lines.
func paragraphs(text string) (list []string) {
	for _, p := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if p = Clean(strings.Join(strings.Fields(p), " ")); p != "" {
			list = append(list, p)
		}
	}
	return list
}
