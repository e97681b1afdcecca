package textcap

import (
	"regexp"
	"strings"
	"sync"
)

// A wrap is how the lines of a packet were broken. Mail does that at blanks. A terminal
// breaks them at its edge, also within a number: "seq 12" and "34:56".
type wrap struct {
	joined []byte // the lines, joined by nothing where one ends at the edge
	last   int    // length of the line before
	widest int    // line so far
	edge   bool   // a line ended there, and another followed
}

// begin takes the first line of a packet, and what of it is to be parsed.
func (w *wrap) begin(line, rest string) {
	w.joined = append(w.joined[:0], rest...)
	w.last, w.widest, w.edge = len(line), max(w.widest, len(line)), false
}

// add takes another.
func (w *wrap) add(line string) {
	if w.last == w.widest {
		w.edge = true
	} else {
		w.joined = append(w.joined, ' ')
	}
	w.joined = append(w.joined, line...)
	w.last, w.widest = len(line), max(w.widest, len(line))
}

// undo is the text of the lines, which are given joined by blanks, as it was.
func (w *wrap) undo(text string) string {
	if joined := string(w.joined); w.edge && broken(text) && !broken(joined) {
		return joined
	}
	return text
}

// segmentLine is a segment as tcpdump prints it: after the word IP, or with -e after lengths and types.
var segmentLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(.*[ ,])?(IP6?|length \d+:|\(0x[0-9a-f]{4}\),) +(\(.*\) +)?[^ ]+ > [^ ]+: Flags \[[A-Za-z.]+\](, cksum 0x[0-9a-f]{4} \([^)]*\))?` +
		`(, seq \d+(:\d+)?)?(, ack \d+)?(, win \d+)?(, urg \d+)?(, options \[` + option + `(,` + option + `)*\])?(, length \d+([^\d ].*| [^\d].*)?)?$`)
})

const option = `(mss \d+|wscale \d+|TS val \d+ ecr \d+|sack \d+ (\{\d+:\d+\})+|[A-Za-z][\w-]*( 0x[0-9a-f]+)?)`

// twoNumbers are nowhere before the flags.
var twoNumbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\d \d.*: Flags \[`) })

// broken reports whether a text is no segment of tcpdump, or one with a blank in a number.
func broken(text string) bool {
	return !segmentLine().MatchString(text) || twoNumbers().MatchString(text)
}

// isFooter recognises what tcpdump says when it ends.
func isFooter(line string) bool {
	count, rest := cutWord(line)
	return isDigits(count) && (strings.HasPrefix(rest, " packets ") || strings.HasPrefix(rest, " packet "))
}
