package textcap

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// clean is a line as its printer wrote it, without what it got on its way: colours of a terminal, entities
// of a web page, quote marks of mail, the fences of a tracker.
func clean(line []byte) string {
	if bytes.IndexByte(line, '\x1b') >= 0 || bytes.ContainsFunc(line, isSpecial) {
		line = []byte(typography.Replace(withoutColours(string(line))))
	}
	pdml := bytes.Contains(line, []byte("<field "))
	if !pdml && bytes.IndexByte(line, '<') >= 0 {
		line = tags().ReplaceAll(line, nil)
	}
	if bytes.Contains(line, []byte(`Flags \[`)) || bytes.Contains(line, []byte(` \> `)) {
		line = []byte(escapes.Replace(string(line)))
	}
	if bytes.Count(line, []byte(" | ")) >= tableColumns {
		line = bytes.ReplaceAll(bytes.Trim(line, " |"), []byte(" | "), []byte("\t"))
	}
	if !pdml && bytes.Contains(line, []byte("&gt; ")) {
		line = []byte(entities.Replace(string(line)))
	}
	if bytes.Contains(line, []byte(": Flags [")) && !bytes.Contains(line, []byte(" > ")) {
		line = bytes.Replace(line, []byte(">"), []byte(" > "), 1)
	}
	return withoutFence(withoutMark(withoutFence(string(unquote(line)))))
}

// tags are those of HTML that a copied page has in a line of text.
var tags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)</?(a|b|br|code|div|em|font|i|li|p|pre|samp|span|strong|tt)(\s[^<>]*)?/?>`)
})

// escapes are those of Markdown.
var escapes = strings.NewReplacer(`\[`, "[", `\]`, "]", `\>`, ">", `\_`, "_", `\*`, "*", `\-`, "-", `\.`, ".")

// tableColumns are the fewest separators of a line of Wireshark's packet list in a table of Markdown.
const tableColumns = 5

// withoutMark drops what lists and diffs put before a line. A minus without a blank is part of a time.
func withoutMark(s string) string {
	rest := strings.TrimLeft(s, " \t")
	for _, mark := range []string{"+ ", "- ", "* ", "\u2022 "} {
		if after, ok := strings.CutPrefix(rest, mark); ok {
			return after
		}
	}
	if len(rest) > 1 && rest[0] == '+' && isDigits(rest[1:2]) {
		return rest[1:]
	}
	return s
}

// entities are those of an arrow and what is beside it.
var entities = strings.NewReplacer("&gt;", ">", "&lt;", "<", "&amp;", "&", "&quot;", `"`, "&nbsp;", " ")

// typography undoes what web pages and word processors make of plain text. Marks of direction are
// in Windows' dates.
var typography = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u200b", "", "\u200e", "", "\u200f", "", "\ufeff", "", "\u2026", "...")

func isSpecial(c rune) bool { return c == 0xa0 || c >= 0x2000 && c < 0x2030 || c == 0xfeff }

// withoutColours drops the escape sequences that select colours and erase lines (ECMA-48 8.3.117).
func withoutColours(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		s = strings.TrimLeft(after, "0123456789;?")
		if s != "" {
			s = s[1:]
		}
	}
}

// fences are what trackers want before and after a text that is not to be formatted.
var fences = []string{"```", "`", "{noformat}", "{code}"}

func withoutFence(s string) string {
	for _, f := range fences {
		s = strings.TrimPrefix(strings.TrimSuffix(s, f), f)
	}
	return s
}
