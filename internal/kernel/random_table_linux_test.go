package kernel

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReasons_documented: the table of the kernel's reasons in docs/decisions has what these
// tests accept.
func TestReasons_documented(t *testing.T) {
	text, err := os.ReadFile("../../docs/decisions/0016-processes.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for reason, outcomes := range reasonsFor {
		want[reason] = slices.Clone(outcomes)
	}
	for pair := range lessExact {
		want[pair[0]] = append(want[pair[0]], pair[1])
	}
	_, section, _ := strings.Cut(string(text), "\n## The kernel's reasons for a RST\n")
	section, _, _ = strings.Cut(section, "\n## ")
	got, quoted := map[string][]string{}, regexp.MustCompile("`([^`]+)`")
	for _, row := range regexp.MustCompile("(?m)^[|] (`.*?) [|] (`.*?) [|]").FindAllStringSubmatch(section, -1) {
		for _, reason := range quoted.FindAllStringSubmatch(row[1], -1) {
			for _, outcome := range quoted.FindAllStringSubmatch(row[2], -1) {
				got[reason[1]] = append(got[reason[1]], outcome[1])
			}
		}
	}
	for reason := range want {
		slices.Sort(got[reason])
		slices.Sort(want[reason])
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the table has\n%v, the tests accept\n%v", got, want)
	}
}
