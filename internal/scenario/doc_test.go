package scenario

import (
	"os"
	"strings"
	"testing"
)

// The example of the page is a scenario, written as it would be printed.
func TestDoc(t *testing.T) {
	page, err := os.ReadFile("../../docs/scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```\n")
	example, _, _ := strings.Cut(rest, "```\n")
	f, err := Parse("docs/scenario.md", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Append(nil)); got != example {
		t.Errorf("printed\n%s\nwant\n%s", got, example)
	}
}
