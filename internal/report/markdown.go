package report

import (
	"bufio"
	"embed"
	"io"
	"strings"
	"sync"
	"text/template"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

//go:embed markdown.tmpl
var markdownFiles embed.FS

// markdownTemplate is parsed when it is needed. In it, everything that is not
// ours goes through prose, code or fenced.
var markdownTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("markdown.tmpl").Funcs(template.FuncMap{
		"prose": mdProse, "code": mdCode, "fenced": mdHarmless, "count": quantity.Count, "thousands": quantity.Thousands,
		"lines": frameLines, "join": strings.Join, "paragraphs": paragraphs,
	}).ParseFS(markdownFiles, "markdown.tmpl"))
})

// Markdown writes the report for a tracker: what GitHub, GitLab and Jira's
// importer agree on, and short enough for a comment. It groups as Text does.
func Markdown(w io.Writer, r *result.Report, o Options) error {
	o.page = true
	out := bufio.NewWriterSize(w, 1<<16)
	d := newDocument(r, &o, screenful(r, &o))
	if o.Connection {
		d.Timeline = timelineText(r, &o)
	}
	if err := markdownTemplate().Execute(out, d); err != nil {
		return err
	}
	return out.Flush()
}

// mdCode is text from outside as a code span. Within one, trackers look for
// neither markup nor mentions nor references; what could end the span or a
// table's cell, and what an importer could still take for HTML or a link, is
// spelled out.
func mdCode(s string) string {
	if s == "" {
		return ""
	}
	return "`" + mdHarmless(Clean(s)) + "`"
}

// mdHarmless spells out what is markup in some tracker even inside code.
func mdHarmless(s string) string { return spellOut(s, "`|<&{@#") }

// spellOut writes marks as \xNN, and likewise what would make a link by itself:
// the colon of a scheme, the dot after www.
func spellOut(s, marks string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		link := strings.HasPrefix(s[i:], "://") || s[i] == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www")
		if link || strings.IndexByte(marks, s[i]) >= 0 && !bareLess(s[i:]) {
			b = appendHexEscape(b, s[i])
		} else {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// bareLess reports whether s begins with a < that begins no tag, as in arrows: a tag's is
// followed by a letter, /, ! or ? (HTML 13.2.5.6).
func bareLess(s string) bool {
	return s[0] == '<' && (len(s) == 1 || strings.IndexByte("/!?", s[1]) < 0 && !isLetter(s[1]))
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// mdProse is a sentence as plain text on one line: every mark that could be
// markup is escaped (CommonMark 2.4). Mentions and references are found in the
// finished text, where no escape helps: their marks are spelled out.
func mdProse(s string) string {
	s = spellOut(oneLine(s), "@#")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("\\`*[]<>|~{}!&$^", s[i]) >= 0 || s[i] == '_' && !inWord(s, i) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// inWord reports whether the underscore at i has a letter or digit on both
// sides, as in FIN_WAIT_1, where it is no markup (CommonMark 6.2).
func inWord(s string, i int) bool {
	return i > 0 && i+1 < len(s) && isWordByte(s[i-1]) && isWordByte(s[i+1])
}

func isWordByte(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
