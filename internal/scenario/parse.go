package scenario

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on input, which may be hostile.
const (
	maxText  = 64 << 20 // bytes
	maxLine  = 16 << 10 // bytes
	maxItems = 1 << 18  // frames, wants and hosts of all traces
)

const traceMarker = "-- trace --"

var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads a scenario: a bare trace, or a txtar file whose sections are all
// named trace. An error reads "name:line:column: problem", or without a name
// "line:column: problem".
func Parse(name string, text []byte) (*File, error) {
	f, err := parse(name, text)
	if err != nil && name != "" {
		err = fmt.Errorf("%s:%w", name, err)
	}
	return f, err
}

func parse(name string, text []byte) (*File, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("1:1: %d bytes are too many for a scenario, the most is %d", len(text), maxText)
	}
	rest := string(bytes.TrimPrefix(text, byteOrderMark))
	r := reader{f: &File{Name: name}, left: maxItems}
	if !hasMarker(rest) {
		r.p = newParser(name)
	}
	n := 0
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		n++
		if err := r.line(n, strings.TrimRight(line, "\r")); err != nil {
			return nil, err
		}
	}
	if err := r.finish(n + 1); err != nil {
		return nil, err
	}
	r.f.Intro = strings.Trim(r.intro.String(), "\n\ufeff") // nothing else: a line without its blanks could be a marker
	return r.f, nil
}

// A reader reads the lines of a file.
type reader struct {
	f     *File
	intro strings.Builder
	p     *parser // of the current trace, nil in the introduction
	left  int     // of maxItems
}

func (r *reader) line(n int, line string) error {
	if err := checkText(n, line); err != nil {
		return err
	}
	if section, ok := marker(line); ok {
		return r.section(n, section)
	}
	if r.p == nil {
		r.intro.WriteString(line + "\n")
		return nil
	}
	if err := r.p.line(n, line); err != nil {
		return err
	}
	if r.p.items > r.left {
		return fmt.Errorf("%d:1: more than %d frames, wants and hosts are too many for a scenario", n, maxItems)
	}
	return nil
}

// section begins a trace.
func (r *reader) section(n int, name string) error {
	if name != "trace" {
		return fmt.Errorf("%d:1: section %q is not a trace; write %s", n, clip(name), traceMarker)
	}
	err := r.finish(n)
	r.p = newParser(r.f.Name)
	return err
}

// finish adds the trace that ends before line n, if one was begun.
func (r *reader) finish(n int) error {
	if r.p == nil {
		return nil
	}
	if len(r.p.t.Lines) == 0 {
		return fmt.Errorf("%d:1: the trace before this line is empty", n)
	}
	r.left -= r.p.items
	r.f.Traces = append(r.f.Traces, r.p.t)
	return r.p.t.checkWants()
}

// checkText refuses what is not text, because comments and introductions may be printed
// on a terminal.
func checkText(n int, line string) error {
	if len(line) > maxLine {
		return fmt.Errorf("%d:1: %d bytes are too many for a line; the limit is %d", n, len(line), maxLine)
	}
	if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }); i >= 0 {
		return fmt.Errorf("%d:%d: a control character", n, i+1)
	}
	if !utf8.ValidString(line) {
		return fmt.Errorf("%d:1: not UTF-8", n)
	}
	return nil
}

// marker recognises a line that begins a txtar section.
func marker(line string) (section string, ok bool) {
	line = strings.TrimRight(line, " \t\r")
	if len(line) < len("-- x --") || !strings.HasPrefix(line, "-- ") || !strings.HasSuffix(line, " --") {
		return "", false
	}
	return strings.TrimSpace(line[len("-- ") : len(line)-len(" --")]), true
}

// hasMarker reports whether the text is a txtar file rather than a bare trace.
func hasMarker(text string) bool {
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if _, ok := marker(line); ok {
			return true
		}
	}
	return false
}

func looksLikeTime(word string) bool {
	word = strings.TrimLeft(word, "+-")
	return word != "" && (word[0] == '.' || word[0] >= '0' && word[0] <= '9')
}
