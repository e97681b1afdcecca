package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Trace time goes on where the times of a capture go back: in a capture that is not in order of time, it is longer than the
// capture, and says nothing of how long a connection lasted.
func TestText_unordered(t *testing.T) {
	for _, is := range []bool{false, true} {
		r := everything()
		r.Captures = r.Captures[:1]
		c := &r.Captures[0]
		c.Unordered, c.Span.First, c.Span.Last = is, began, began+int64(30*time.Second)
		var text bytes.Buffer
		o := testOptions()
		o.Flows = true
		if err := Text(&text, r, o); err != nil {
			t.Fatal(err)
		}
		whole, lasted := strings.Contains(text.String(), "in 30 s"), !strings.Contains(text.String(), "  60 s  ")
		if whole != is || lasted != is {
			t.Errorf("unordered: %v, but the capture lasts 30 s: %v, and no time for its connections: %v\n%s", is, whole, lasted, &text)
		}
	}
}
