package catalogue_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/taps"
)

var update = flag.Bool("update", false, "write docs/detectors.md anew")

const docsFile = "../../docs/detectors.md"

// docs/detectors.md is what the detectors say of themselves.
func TestDocs(t *testing.T) {
	want := docs()
	if *update {
		if err := os.WriteFile(docsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(docsFile); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is stale: run go test ./detectors/catalogue -run Docs -update", docsFile)
	}
}

func docs() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Detectors\n\nGenerated from the detectors' own words (`go test ./detectors/catalogue -run Docs -update`).\n"+
		"`tcptrace --explain SLUG` prints the same with the sample.\n")
	for _, d := range slices.Concat(catalogue.All, taps.Detectors) {
		doc := &d.Doc
		fmt.Fprintf(&b, "\n## %s\n\n*%s* (since %s; %s)\n", d.Name, doc.Title, doc.Since, strings.Join(doc.Refs, ", "))
		for _, p := range []struct{ head, text string }{
			{"What it looks like", doc.What},
			{"Why", doc.Cause},
			{"What to do", doc.Action},
			{"What it is not", doc.NotThis},
			{"What other tools say", doc.Peers},
		} {
			if p.text != "" {
				fmt.Fprintf(&b, "\n**%s.** %s\n", p.head, p.text)
			}
		}
		fmt.Fprintf(&b, "\n| outcome | severity | when |\n|---|---|---|\n")
		for _, o := range d.Outcomes {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, o.Severity, o.When)
		}
		for _, o := range d.Outcomes {
			if o.Cause != "" || o.Action != "" {
				fmt.Fprintf(&b, "\n**If it is %s.** %s\n", o.Name, strings.TrimSpace(o.Cause+" "+o.Action))
			}
		}
		if len(d.Params) > 0 {
			fmt.Fprintf(&b, "\n| parameter (`--set %s.NAME=VALUE`) | default | range | meaning |\n|---|---|---|---|\n", d.Name)
			for _, p := range d.Params {
				fmt.Fprintf(&b, "| `%s` | %g%s | %g to %g | %s |\n", p.Name, p.Default, unit(p.Unit), p.Min, p.Max, p.Doc)
			}
		}
	}
	return b.Bytes()
}

func unit(u string) string {
	if u == "" {
		return ""
	}
	return " " + u
}
