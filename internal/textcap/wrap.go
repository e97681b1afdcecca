package textcap

import (
	"regexp"
	"strings"
)

// A wrap is how the lines of a packet were broken. Mail does that at blanks. A terminal
// breaks them at its edge, also within a number: "seq 12" and "34:56".
type wrap struct {
	tight  []byte // the lines joined by nothing
	last   int    // length of the line before
	widest int    // line so far
	edge   bool   // all lines but the last are as long as the widest
	lines  int
}

// begin takes the first line of a packet, and what of it is to be parsed.
func (w *wrap) begin(line, rest string) {
	w.tight = append(w.tight[:0], rest...)
	w.last, w.widest, w.edge, w.lines = len(line), max(w.widest, len(line)), true, 1
}

// add takes another.
func (w *wrap) add(line string) {
	w.edge = w.edge && w.last == w.widest
	w.last, w.widest, w.lines = len(line), max(w.widest, len(line)), w.lines+1
	w.tight = append(w.tight, line...)
}

// undo is the text of the lines, which are given joined by blanks, as it was.
func (w *wrap) undo(text string) string {
	if tight := string(w.tight); w.lines > 1 && w.edge && brokenNumber(text) && !brokenNumber(tight) {
		return tight
	}
	return text
}

// segmentLine is a segment as tcpdump prints it.
var segmentLine = regexp.MustCompile(`^(.* )?IP6? (\(.*\) +)?[^ ]+ > [^ ]+: Flags \[[A-Za-z.]+\](, cksum 0x[0-9a-f]{4} \([^)]*\))?(, seq \d+(:\d+)?)?(, ack \d+)?` +
	`(, win \d+)?(, urg \d+)?(, options \[[^\]]*\])?(, length \d+([^\d ].*| [^\d].*)?)?$`)

// twoNumbers are nowhere in a list of options.
var twoNumbers = regexp.MustCompile(`options \[[^\]]*\d \d`)

// brokenNumber reports whether a text is no segment of tcpdump, or one with a blank in a number.
func brokenNumber(text string) bool {
	return !segmentLine.MatchString(text) || twoNumbers.MatchString(text)
}

// isFooter recognises what tcpdump says when it ends.
func isFooter(line string) bool {
	count, rest := cutWord(line)
	return isDigits(count) && (strings.HasPrefix(rest, " packets ") || strings.HasPrefix(rest, " packet "))
}
