package report

import "strings"

// mdCode is text from outside as a code span. Within one, trackers look for
// neither markup nor mentions nor references; what could end the span or a
// table's cell, and what an importer could still take for HTML or a link, is
// spelled out.
func mdCode(s string) string {
	if s == "" {
		return ""
	}
	return "`" + harmless(Clean(s)) + "`"
}

// harmless spells out what is markup in some tracker even inside code.
func harmless(s string) string {
	return string(spellOut(nil, s, "`|<&{@#"))
}

// spellOut appends s with the marks as \xNN, and likewise what would make a
// link of its own accord: the colon of a scheme, the dot behind www.
func spellOut(b []byte, s, marks string) []byte {
	for i := 0; i < len(s); i++ {
		link := strings.HasPrefix(s[i:], "://") || s[i] == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www")
		if link || strings.IndexByte(marks, s[i]) >= 0 {
			b = appendHexEscape(b, s[i])
			continue
		}
		b = append(b, s[i])
	}
	return b
}

// mdProse is a sentence as plain text on one line: every mark that could be
// markup is escaped (CommonMark 2.4). Mentions and references are found in the
// finished text, where no escape helps: their marks are spelled out.
func mdProse(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = string(spellOut(nil, Clean(s), "@#"))
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
