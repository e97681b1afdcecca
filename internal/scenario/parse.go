package scenario

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on what is read: a scenario may be anybody's input.
const (
	maxText  = 64 << 20 // bytes
	maxLines = 1 << 18  // lines that take trace time, in all traces
	maxHosts = 1 << 16  // per trace
)

const traceMarker = "-- trace --"

var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads a scenario: a bare trace, or a txtar file whose sections are all
// named trace. An error reads "name:line:column: what is wrong"; without a
// name, "line:column: what is wrong".
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
	f := &File{Name: name}
	var p *parser
	var story strings.Builder
	budget := maxLines
	if !hasMarker(rest) {
		p = newParser(name)
	}
	n := 0
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimRight(line, "\r")
		n++
		section, isMarker := marker(line)
		err := checkText(n, line)
		switch {
		case err != nil:
		case isMarker && section != "trace":
			err = fmt.Errorf("%d:1: section %q is no trace; write %s", n, clip(section), traceMarker)
		case isMarker:
			err = f.finish(p, n)
			p = newParser(name)
		case p == nil:
			story.WriteString(line + "\n")
		default:
			before := len(p.t.Lines)
			err = p.line(n, line)
			if budget -= len(p.t.Lines) - before; budget < 0 {
				err = fmt.Errorf("%d:1: more than %d frames are too many for a scenario", n, maxLines)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if err := f.finish(p, n+1); err != nil {
		return nil, err
	}
	f.Story = strings.TrimSpace(story.String())
	return f, nil
}

// checkText refuses what is no text: it would reach a terminal by way of
// comments and stories.
func checkText(n int, line string) error {
	if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }); i >= 0 {
		return fmt.Errorf("%d:%d: a control character", n, i+1)
	}
	if !utf8.ValidString(line) {
		return fmt.Errorf("%d:1: not UTF-8", n)
	}
	return nil
}

// finish adds the trace that ends before line n, if one was begun.
func (f *File) finish(p *parser, n int) error {
	if p == nil {
		return nil
	}
	if len(p.t.Lines) == 0 {
		return fmt.Errorf("%d:1: the trace before this line is empty", n)
	}
	if err := p.t.checkWants(); err != nil {
		return err
	}
	f.Traces = append(f.Traces, p.t)
	return nil
}

// marker recognises the line that begins a txtar section.
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

// Looks reports whether the text, which may be just the beginning of a file,
// could be a scenario: it has a trace section, or begins as a bare trace does.
func Looks(text []byte) bool {
	const enough = 64 << 10
	text = bytes.TrimPrefix(text[:min(len(text), enough)], byteOrderMark)
	if bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	rest, first := string(text), true
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if section, ok := marker(line); ok && section == "trace" {
			return true
		}
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		if first && looksLikeLine(line) {
			return true
		}
		first = false
	}
	return false
}

// looksLikeLine reports whether the line could begin a trace.
func looksLikeLine(line string) bool {
	w := strings.Fields(line)
	if w[0] == "drop" && len(w) > 1 {
		w = w[1:]
	}
	switch {
	case w[0] == "start":
		return len(w) == 2 && looksLikeTime(w[1])
	case w[0] == "host":
		return len(w) >= 3 && strings.ContainsAny(w[2], ":{")
	case w[0] == "iss":
		return len(w) == 3 && looksLikeTime(w[2])
	case !looksLikeTime(w[0]) || len(w) < 2:
		return false
	}
	return w[1] == "other" || w[1] == "end" || len(w) > 3 && w[2] == ">"
}

func looksLikeTime(word string) bool {
	word = strings.TrimLeft(word, "+-")
	return word != "" && (word[0] == '.' || word[0] >= '0' && word[0] <= '9')
}
