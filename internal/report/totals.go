package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// period is the time of the trace. Where a capture is not in order of time, that is from the earliest time of a packet to the
// latest: each step back would make trace time longer.
func period(r *result.Report) (from, to int64) {
	if !unordered(r) {
		return r.Trace.First, r.Trace.End
	}
	from, to = r.Captures[0].Span.First, r.Captures[0].Span.Last
	for i := range r.Captures {
		from, to = min(from, r.Captures[i].Span.First), max(to, r.Captures[i].Span.Last)
	}
	return from, to
}

// unordered reports whether a capture is not in order of time, so that nothing shows how long a connection lasted.
func unordered(r *result.Report) bool {
	return slices.ContainsFunc(r.Captures, func(c result.Capture) bool { return c.Unordered })
}

// totalsSentence is what was read, what was found, and what was skipped.
func totalsSentence(r *result.Report, o *Options) string {
	n := &r.Totals
	packets := quantity.Count(n.Packets, "packet")
	if r.Trace.First != 0 {
		from, to := period(r)
		packets += " in " + quantity.Duration(to-from)
	}
	segments := quantity.Count(n.TCPSegments, "TCP segment")
	if n.Duplicates > 0 {
		segments += " (" + quantity.Count(n.Duplicates, "duplicate frame") + ")"
	}
	s := fmt.Sprintf("%s: %s, %s, %s. %s.", quantity.Count(uint64(len(r.Captures)), "file"), packets, segments,
		quantity.Count(n.Flows, "connection"), verdictSentence(r, o.Undecided || o.page))
	var skipped []string
	for _, c := range n.Skipped {
		if c.Name == icmpError { // these were read
			s += " " + quantity.Count(c.N, "ICMP error") + " about TCP."
		} else {
			skipped = append(skipped, quantity.Thousands(c.N)+" "+c.Name)
		}
	}
	if len(skipped) > 0 {
		s += " Skipped: " + strings.Join(skipped, ", ") + "."
	}
	if byLimit := n.EvictedFlows - n.CrowdedFlows; byLimit > 0 {
		s += " " + quantity.Count(byLimit, "connection") + " dropped to stay within the limit on connections."
	}
	if n.CrowdedFlows > 0 {
		s += " " + quantity.Count(n.CrowdedFlows, "connection") + " dropped because too many used the same ports."
	}
	return s
}

// noTCP is the name of the note that nothing was looked at.
const noTCP = "no-tcp"

// icmpError is what the decoder calls an ICMP error that quotes a segment.
const icmpError = "icmp-error"

// verdicts counts what was found by severity, and what is undecided.
func verdicts(r *result.Report) (seen [3]uint64, undecided uint64) {
	add := func(verdict detectors.Verdict, severity detectors.Severity, n uint64) {
		if verdict == detectors.Undecided {
			undecided += n
		} else {
			seen[severity] += n
		}
	}
	for i := range r.Findings {
		add(r.Findings[i].Verdict, r.Findings[i].Severity, 1)
	}
	for _, g := range r.Totals.Groups {
		add(g.Verdict, g.Severity, g.N-g.Listed)
	}
	return seen, undecided
}

// maxNamed is how many detectors are named that found nothing.
const maxNamed = 4

// verdictSentence is "Found: 1 critical, 2 warnings; 3 undecided". If nothing
// was found it names the detectors: that does not mean that the network is fine.
func verdictSentence(r *result.Report, undecidedShown bool) string {
	seen, undecided := verdicts(r)
	var parts []string
	if n := seen[detectors.Critical]; n > 0 {
		parts = append(parts, quantity.Thousands(n)+" critical")
	}
	if n := seen[detectors.Warning]; n > 0 {
		parts = append(parts, quantity.Count(n, "warning"))
	}
	if n := seen[detectors.Info]; n > 0 {
		parts = append(parts, quantity.Thousands(n)+" info")
	}
	if len(parts) == 0 && slices.ContainsFunc(r.Notes, func(n result.Note) bool { return n.Name == noTCP }) { // which says why
		return "Nothing was analysed"
	}
	found := "Found: " + strings.Join(parts, ", ")
	if names := r.Options.Detectors; len(parts) == 0 && len(names) > maxNamed {
		found = fmt.Sprintf("Nothing found by %d detectors", len(names))
	} else if len(parts) == 0 {
		found = "Nothing found by " + list(names)
	}
	if timed := func(f result.Flow) bool { return f.Time != nil }; len(parts) == 0 && slices.ContainsFunc(r.Flows, timed) {
		found += " (where the time went is no fault by itself)"
	}
	if undecided > 0 {
		found += "; " + quantity.Thousands(undecided) + " undecided"
	}
	if undecided > 0 && !undecidedShown {
		found += " (--undecided shows what)"
	}
	if n := r.Totals.Known; n > 0 {
		found += "; " + quantity.Thousands(n) + " already in the baseline"
	}
	if n := r.Totals.Hidden; n > 0 {
		found += "; " + quantity.Thousands(n) + " of lower severity not shown"
	}
	return found
}

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
