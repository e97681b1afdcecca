package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Markdown writes the report for a tracker: what GitHub, GitLab and Jira's
// importer agree on, and short enough for a comment. It groups as Text does.
func Markdown(w io.Writer, r *result.Report, o Options) error {
	m := &markdownWriter{bufio.NewWriterSize(w, 1<<16), r, &o}
	groups := screenful(r, o.Undecided)
	m.line("# TCP trace report")
	m.line("")
	m.line(mdProse(totalsSentence(r, o.Undecided)))
	m.captures()
	if len(groups) > 0 {
		m.summary(groups)
	}
	for i, g := range groups {
		if g.detail == full {
			m.group(i+1, g)
		}
	}
	m.line("")
	m.line("*Written by tcptrace ", mdProse(o.Version), ".*")
	return m.out.Flush()
}

// A markdownWriter writes lines; errors wait in out for Flush.
type markdownWriter struct {
	out *bufio.Writer
	r   *result.Report
	o   *Options
}

func (m *markdownWriter) line(parts ...string) {
	for _, p := range parts {
		_, _ = m.out.WriteString(p)
	}
	_ = m.out.WriteByte('\n')
}

// captures lists the inputs, and what is wrong with them.
func (m *markdownWriter) captures() {
	m.line("")
	for i := range m.r.Captures {
		c := &m.r.Captures[i]
		m.line("- ", mdCode(c.File), ": ", mdProse(count(c.Packets, "packet")+", "+describe(c)))
		for _, w := range c.Warnings {
			m.line("  - **Warning:** ", mdProse(w))
		}
		if c.Drops > 0 {
			m.line("  - **Warning:** ", count(c.Drops, "packet"), " lost while capturing, by its own account")
		}
	}
	for _, n := range m.r.Notes {
		m.line("- ", mdProse(n.Message))
	}
}

// describe is "pcapng (zstd), ETHERNET".
func describe(c *result.Capture) string {
	s := c.Format
	if c.Compression != "" {
		s += " (" + c.Compression + ")"
	}
	return strings.Join(append([]string{s}, c.LinkTypes...), ", ")
}

// summary is the table of the groups.
func (m *markdownWriter) summary(groups []*group) {
	m.line("")
	m.line("| | Severity | What | Who | Since |")
	m.line("|---:|---|---|---|---|")
	for i, g := range groups {
		if g.detail == counted {
			continue
		}
		who := mdCode(party(g.findings[0], g.findings[0].Culprit))
		if len(g.findings) > 1 {
			who = mdProse(g.summary(m.o.Names))
		}
		severity := g.word()
		if g.verdict == detectors.Seen {
			severity = "**" + severity + "**"
		}
		m.line(fmt.Sprintf("| %d | %s | %s | %s | %s |", i+1, severity, mdProse(g.class.String()), who,
			instant(g.findings[0].Start)))
	}
	for _, omitted := range omissions(m.r, groups, m.o.Undecided) {
		m.line("")
		m.line(mdProse(omitted))
	}
}

// group is a section, with one of its own for each finding if it has several.
func (m *markdownWriter) group(number int, g *group) {
	title := g.findings[0].Title
	if len(g.findings) > 1 {
		title = g.summary(m.o.Names)
	}
	m.line("")
	m.line(fmt.Sprintf("## %d. %s: ", number, g.word()), mdProse(title))
	for i, f := range g.findings[:min(g.room.full, len(g.findings))] {
		m.line("")
		if len(g.findings) > 1 {
			m.line(fmt.Sprintf("### %d.%d of %s: ", number, i+1, thousands(uint64(len(g.findings)))), mdProse(connection(f.Flow)))
			m.line("")
		}
		m.finding(f)
	}
	m.others(g)
	m.line("")
	m.advice(g)
}

func (m *markdownWriter) finding(f *result.Finding) {
	m.line(mdProse(m.o.Names.respell(f.Message)))
	m.line("")
	m.line("| End | State | Part |")
	m.line("|---|---|---|")
	for _, side := range [...]reassembly.Side{opener(f.Flow), opener(f.Flow).Peer()} {
		m.line("| ", mdCode(party(f, side)), " | ", mdCode(m.o.Names.State(f.States[side])), " | ", mdProse(part(f, side)), " |")
	}
	m.line("")
	if f.Verdict == detectors.Undecided {
		m.item("Undecided", mdProse(f.Reason))
		m.item("Severity", f.Severity.String()+", if it is so")
	}
	m.item("When", period(f))
	m.item("Measured", mdProse(measured(f.Metrics)))
	for _, l := range limitLines(f.Limits) {
		m.item("Limit", mdProse(l))
	}
	m.item("Finding", mdCode(f.ID)+fmt.Sprintf(", connection %d", f.Flow.ID))
	m.frames(f)
}

// frames is a collapsed section. The empty lines around the fence make it
// Markdown again inside the HTML (CommonMark 4.6).
func (m *markdownWriter) frames(f *result.Finding) {
	m.line("")
	m.line("<details><summary>", count(uint64(len(f.Evidence)), "telling frame"), "</summary>")
	m.line("")
	m.line("```text")
	for _, l := range frameLines(m.r, m.o, f) {
		m.line(harmless(l))
	}
	m.line("```")
	m.line("")
	files, filters := displayFilters(m.r, m.o, f)
	for i := range filters {
		m.line("Wireshark display filter for ", mdCode(files[i]), ": `", filters[i], "`")
		m.line("")
	}
	m.line("</details>")
}

// others are the connections of a group that are not shown in full.
func (m *markdownWriter) others(g *group) {
	if len(g.findings) <= g.room.full {
		return
	}
	m.line("")
	m.line("<details><summary>", count(uint64(len(g.findings)-g.room.full), "more connection"), "</summary>")
	m.line("")
	for _, f := range g.findings[g.room.full:min(g.room.brief, len(g.findings))] {
		m.line("- ", mdCode(connection(f.Flow)), ", ", instant(f.Start), fmt.Sprintf(", connection %d", f.Flow.ID))
	}
	if more := len(g.findings) - g.room.brief; more > 0 {
		m.line("- and ", thousands(uint64(more)), " more: `--format json` lists them")
	}
	m.line("")
	m.line("</details>")
}

// advice is what holds for all findings of a group.
func (m *markdownWriter) advice(g *group) {
	doc := m.o.doc(g.detector, g.outcome)
	m.item("Cause", mdProse(doc.Cause))
	m.item("Action", mdProse(doc.Action))
	m.item("Wireshark", mdProse(g.peers(doc)))
	m.item("See", mdProse(strings.Join(doc.Refs, ", ")))
}

// item is a line of a list, or nothing.
func (m *markdownWriter) item(name, text string) {
	if text != "" {
		m.line("- **", name, ":** ", text)
	}
}
