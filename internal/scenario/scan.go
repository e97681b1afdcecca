package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A scanner reads one line word by word. It keeps the first error and continues
// with zero values, so that the grammar needs no check after every word.
type scanner struct {
	line string
	at   int // where the next word begins
	col  int // where the current word began, 0-based
	err  error
}

// fail records what is wrong with the current word.
func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%d: %s", s.col+1, fmt.Sprintf(format, args...))
	}
}

// peek is the first byte of the next word, 0 at the end of the line.
func (s *scanner) peek() byte {
	for s.at < len(s.line) && (s.line[s.at] == ' ' || s.line[s.at] == '\t') {
		s.at++
	}
	s.col = s.at
	if s.at == len(s.line) {
		return 0
	}
	return s.line[s.at]
}

// word reads up to the next blank. what is its name in the error if the line ends
// too soon.
func (s *scanner) word(what string) string {
	if c := s.peek(); c == 0 || c == '#' {
		s.fail("%s is missing", what)
		return ""
	}
	n := strings.IndexAny(s.line[s.at:], " \t")
	if n < 0 {
		n = len(s.line) - s.at
	}
	w := s.line[s.at : s.at+n]
	s.at += n
	return w
}

// keyword reads the word if it is next.
func (s *scanner) keyword(word string) bool {
	s.peek()
	rest, ok := strings.CutPrefix(s.line[s.at:], word)
	if !ok || rest != "" && !strings.Contains(" \t#", rest[:1]) {
		return false
	}
	s.at += len(word)
	return true
}

// bracketed reads up to the closing byte and returns what is inside.
func (s *scanner) bracketed(closing byte) string {
	rest := s.line[s.at+1:]
	n := strings.IndexByte(rest, closing)
	if n < 0 {
		s.fail("%q without %q", s.line[s.at], closing)
		return ""
	}
	s.at += n + 2
	return rest[:n]
}

// number converts a word that must be a number in a range.
func (s *scanner) number(what, word string, lo, hi int64) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || n < lo || n > hi {
		s.fail("%s is %q, want a number from %d to %d", what, clip(word), lo, hi)
		return 0
	}
	return n
}

// relative converts a relative sequence number. Negative ones are before the ISN.
func (s *scanner) relative(what, word string) int64 {
	return s.number(what, word, math.MinInt32, math.MaxUint32)
}

// flags converts what reassembly.Flags.String writes, letters in any order.
func (s *scanner) flags(word string) reassembly.Flags {
	if word == "none" {
		return 0
	}
	var f reassembly.Flags
	for i := range len(word) {
		n := strings.IndexByte("FSRP.UEW", word[i])
		if n < 0 || f.Has(1<<n) {
			s.fail("flags are %q, want letters of SFRP.UEW, each once, or none", clip(word))
			return 0
		}
		f |= 1 << n
	}
	return f
}

// span converts FIRST:END(LEN) and compares END with FIRST+LEN.
func (s *scanner) span(word string) (first int64, length uint32) {
	from, rest, ok1 := strings.Cut(word, ":")
	to, rest, ok2 := strings.Cut(rest, "(")
	size, rest, ok3 := strings.Cut(rest, ")")
	if !ok1 || !ok2 || !ok3 || rest != "" {
		s.fail("%q is not FIRST:END(LEN)", clip(word))
		return 0, 0
	}
	first = s.relative("FIRST", from)
	n := s.number("LEN", size, 0, maxPayload)
	end := s.number("END", to, math.MinInt32, 2*math.MaxUint32)
	if end != first+n {
		s.fail("END is %d, but FIRST+LEN is %d (LEN counts payload only, not SYN and FIN)", end, first+n)
	}
	return first, uint32(n)
}

// duration converts seconds with up to nine decimals to nanoseconds, exactly.
func (s *scanner) duration(word, digits string) int64 {
	whole, frac, _ := strings.Cut(digits, ".")
	if whole+frac == "" || len(frac) > 9 || strings.Trim(whole+frac, "0123456789") != "" {
		s.fail("%q is not a time: want SECONDS from the start, or +SECONDS from the previous line, at most nine decimals", clip(word))
		return 0
	}
	const nano = "000000000"
	ns, err := strconv.ParseInt(whole+frac+nano[len(frac):], 10, 64)
	if err != nil {
		s.fail("%s seconds are too many", clip(word))
	}
	return ns
}

// clip shortens long words for error messages.
func clip(word string) string {
	const most = 40
	if len(word) > most {
		return word[:most] + "..."
	}
	return word
}
