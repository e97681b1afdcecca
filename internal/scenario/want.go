package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Want is a finding that a line expects, anchored at its frame.
type Want struct {
	Detector  string
	Outcome   string // "" is any
	Undecided bool
	Frames    []uint32 // the evidence in order, anchor first; nil is any
	Message   string   // a regular expression, compiled by Check; "" is any
}

// comments reads "# comment" and "# want ..." up to the end of the line.
func (s *scanner) comments(l *Line) {
	var comments []string
	for s.err == nil {
		switch s.peek() {
		case 0:
			l.Comment = strings.Join(comments, " # ")
			return
		case '#':
			s.at++
		default:
			s.fail("unexpected %q", clip(s.line[s.at:]))
			return
		}
		if s.keyword("want") {
			s.wants(l)
			continue
		}
		n := nextWant(s.line[s.at:])
		if c := strings.TrimSpace(s.line[s.at : s.at+n]); c != "" {
			comments = append(comments, c)
		}
		s.at += n
	}
}

// nextWant is where the comment ends: at its end, or where "# want" follows.
func nextWant(comment string) int {
	for i := range len(comment) {
		if comment[i] != '#' {
			continue
		}
		if s := (scanner{line: comment, at: i + 1}); s.keyword("want") {
			return i
		}
	}
	return len(comment)
}

// wants reads [undecided] SLUG[:OUTCOME][frames] `regexp`, and more of these after
// semicolons.
func (s *scanner) wants(l *Line) {
	if !l.Captured || l.Other {
		s.fail("want needs a captured segment on its line, as anchor")
	}
	for {
		var w Want
		w.Undecided = s.keyword("undecided")
		if w.Detector = s.slug("the detector's name"); w.Detector == "undecided" { // without a blank behind it
			s.fail("the detector's name is missing after undecided")
		}
		if s.skip(':') {
			w.Outcome = s.slug("the outcome")
		}
		if s.peek() == '[' {
			s.frames(&w, l.Seg.Frame)
		}
		if s.peek() == '`' {
			if w.Message = s.bracketed('`'); w.Message == "" {
				s.fail("`` matches any message; leave it out")
			}
		}
		l.Wants = append(l.Wants, w)
		if s.peek(); !s.skip(';') {
			return
		}
		s.keyword("want")
	}
}

// skip reads the byte if it is next, without a blank before it.
func (s *scanner) skip(c byte) bool {
	if s.at == len(s.line) || s.line[s.at] != c {
		return false
	}
	s.at++
	return true
}

// slug reads a kebab-case name.
func (s *scanner) slug(what string) string {
	s.peek()
	n := 0
	for _, c := range []byte(s.line[s.at:]) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			break
		}
		n++
	}
	if n == 0 {
		s.fail("%s is missing after want", what)
	}
	s.at += n
	return s.line[s.at-n : s.at]
}

// frames reads [4 5 6]; the first is the anchor, the frame of this line.
func (s *scanner) frames(w *Want, anchor uint32) {
	for _, word := range strings.Fields(s.bracketed(']')) {
		w.Frames = append(w.Frames, uint32(s.number("a frame of the evidence", word, 1, math.MaxUint32)))
	}
	if len(w.Frames) == 0 || w.Frames[0] != anchor {
		s.fail("the evidence begins with this line's frame, %d", anchor)
	}
}

// checkWants checks that the wanted frames exist.
func (t *Trace) checkWants() error {
	var frames uint32
	for i := range t.Lines {
		frames = max(frames, t.Lines[i].Seg.Frame)
	}
	for i := range t.Lines {
		for _, w := range t.Lines[i].Wants {
			if len(w.Frames) > 0 && slices.Max(w.Frames) > frames {
				return fmt.Errorf("%d:1: want frame %d: the trace has %d", t.Lines[i].SrcLine, slices.Max(w.Frames), frames)
			}
		}
	}
	return nil
}

// append writes the want as in a line, without the word "want".
func (w *Want) append(dst []byte) []byte {
	dst = append(dst, named(w.Undecided, w.Detector, w.Outcome)...)
	if len(w.Frames) > 0 {
		dst = append(dst, fmt.Sprint(w.Frames)...)
	}
	if w.Message != "" {
		dst = append(append(append(dst, " `"...), w.Message...), '`')
	}
	return dst
}

// named is "[undecided ]detector[:outcome]".
func named(undecided bool, detector, outcome string) string {
	if undecided {
		detector = "undecided " + detector
	}
	if outcome != "" {
		detector += ":" + outcome
	}
	return detector
}
