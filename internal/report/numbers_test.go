package report

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Every format prints frame numbers beyond 2^32 as they are.
func TestFrameNumbers_whole(t *testing.T) {
	r := everything()
	for i := range r.Captures {
		r.Captures[i].Turns = stats.Turns{1, 2} // long before the findings
	}
	for i := range r.Findings {
		r.WholeNumbers(&r.Findings[i])
	}
	low := regexp.MustCompile(`\bframes? \d{1,9}\b|"frame": \d{1,9}\b|frame\.number in \{\d{1,9}\b`)
	for name, write := range map[string]writer{"text": Text, "json": JSON, "ndjson": NDJSON, "csv": CSV, "markdown": Markdown, "html": withoutStyle(HTML)} {
		got := written(t, write, r, testOptions())
		if !bytes.Contains(got, []byte("4294967326")) { // frame 30
			t.Errorf("%s does not have frame 4294967326", name)
		}
		if x := low.Find(got); x != nil {
			t.Errorf("%s has %q", name, x)
		}
	}
}
