package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// totals writes the closing lines.
func (t *textWriter) totals() {
	for _, l := range wrap(totalsSentence(t.r, t.o.Undecided), lineWidth) {
		t.line(l)
	}
	for _, note := range t.r.Notes {
		for i, l := range wrap("Note: "+note.Message, lineWidth-2) {
			t.line(strings.Repeat("  ", min(i, 1)), l)
		}
	}
	for i := range t.r.Captures {
		for _, warning := range captureWarnings(&t.r.Captures[i]) {
			t.line(t.paint.severity(detectors.Warning, "Warning:"), " ", Clean(warning))
		}
	}
}

// totalsSentence is what was read, what was found, and what was left out.
func totalsSentence(r *result.Report, undecidedShown bool) string {
	n := &r.Totals
	packets := count(n.Packets, "packet")
	if n.Packets > 0 {
		packets += " in " + duration(r.Trace.End-r.Trace.First)
	}
	segments := count(n.TCPSegments, "TCP segment")
	if n.Copies > 0 {
		segments += " (" + thousands(n.Copies) + " of them copies)"
	}
	s := fmt.Sprintf("%s: %s, %s, %s. %s.", count(uint64(len(r.Captures)), "file"), packets, segments,
		count(n.Flows, "connection"), verdictSentence(r, undecidedShown))
	if len(n.Skipped) > 0 {
		s += " Skipped: " + skipped(n.Skipped) + "."
	}
	if n.EvictedFlows > 0 {
		s += " " + count(n.EvictedFlows, "connection") + " dropped to stay within --max-flows."
	}
	return s
}

// verdicts counts what was found by severity, and what is undecided.
func verdicts(r *result.Report) (seen [3]uint64, undecided uint64) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Verdict == detectors.Undecided {
			undecided++
		} else {
			seen[f.Severity]++
		}
	}
	for _, g := range r.Totals.Groups {
		if more := g.N - g.Listed; g.Verdict == detectors.Undecided {
			undecided += more
		} else {
			seen[g.Severity] += more
		}
	}
	return seen, undecided
}

// verdictSentence is "Found: 1 critical, 2 warnings; 3 undecided". Silence is
// the detectors' silence, not the network's health.
func verdictSentence(r *result.Report, undecidedShown bool) string {
	seen, undecided := verdicts(r)
	var parts []string
	if seen[detectors.Critical] > 0 {
		parts = append(parts, thousands(seen[detectors.Critical])+" critical")
	}
	if seen[detectors.Warning] > 0 {
		parts = append(parts, count(seen[detectors.Warning], "warning"))
	}
	if seen[detectors.Info] > 0 {
		parts = append(parts, thousands(seen[detectors.Info])+" info")
	}
	found := "Found: " + strings.Join(parts, ", ")
	if names := r.Options.Detectors; len(parts) == 0 && len(names) > maxNamed {
		found = fmt.Sprintf("Nothing found by %d detectors", len(names))
	} else if len(parts) == 0 {
		found = "Nothing found by " + list(names)
	}
	switch {
	case undecided > 0 && undecidedShown:
		found += "; " + thousands(undecided) + " undecided"
	case undecided > 0:
		found += "; " + thousands(undecided) + " undecided (--undecided shows what)"
	}
	return found
}

// maxNamed is how many detectors are named that found nothing.
const maxNamed = 4

// list is "a, b and c".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "any detector"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// skipped is "3 ipv4-fragment, 1 arp".
func skipped(counts []result.Count) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = thousands(c.N) + " " + c.Name
	}
	return strings.Join(parts, ", ")
}

// captureWarnings are the reasons to trust one input less, with its name.
func captureWarnings(c *result.Capture) []string {
	var warnings []string
	for _, w := range c.Warnings {
		warnings = append(warnings, c.File+": "+w)
	}
	if c.Drops > 0 {
		warnings = append(warnings, c.File+": "+count(c.Drops, "packet")+" lost while capturing, by its own account")
	}
	return warnings
}
