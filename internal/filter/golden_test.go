package filter

import (
	"fmt"
	"strings"
	"testing"
)

// program reads what tcpdump -ddd wrote.
func program(t *testing.T, text string) *Program {
	t.Helper()
	p, err := ReadBPF(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// differ finds a packet on which two programs give different verdicts.
func differ(a, b *Program, ps []packet) (at string, same bool) {
	for _, p := range ps {
		if x, y := a.Match(p.data, p.wire), b.Match(p.data, p.wire); x != y {
			return fmt.Sprintf("%v and %v for %d bytes of %d: %x", x, y, len(p.data), p.wire, p.data), false
		}
	}
	return "", true
}
