package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A known is what findings have in common that count as the same problem: server is the
// end that accepted the connection, ADDR:PORT.
type known struct{ detector, outcome, server string }

// A baseline is what an earlier report has.
type baseline map[known]bool

// readBaseline reads a JSON report.
func readBaseline(name string) (baseline, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %w", err)
	}
	var r struct {
		Schema string
		Flows  []struct {
			ID              uint64
			A, B, Initiator string
		}
		Findings []struct {
			Detector, Outcome string
			Flow              uint64
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("--baseline %s: not a JSON report: %w", name, err)
	}
	if r.Schema != "tcptrace/report/v1" {
		return nil, fmt.Errorf("--baseline %s: the schema is %q, want tcptrace/report/v1 (made with --format json)", name, r.Schema)
	}
	servers := map[uint64]string{}
	for _, f := range r.Flows {
		servers[f.ID] = f.B
		if f.Initiator == "b" {
			servers[f.ID] = f.A
		}
	}
	b := baseline{}
	for _, f := range r.Findings {
		b[known{f.Detector, f.Outcome, servers[f.Flow]}] = true
	}
	return b, nil
}

// knows reports whether the earlier report has the finding.
func (b baseline) knows(f *result.Finding) bool {
	server := 1
	if f.Flow.Initiator == result.InitiatorB {
		server = 0
	}
	return b[known{f.Detector, f.Outcome, f.Flow.End[server].String()}]
}

// hide takes the findings for which hides holds out of a report, and returns how many
// these are. Of those that are counted and not listed, it takes out the groups for which
// hidesAll holds.
func hide(r *result.Report, hides func(*result.Finding) bool, hidesAll func(*result.Group) bool) (n uint64) {
	type class struct {
		detector, outcome string
		verdict           detectors.Verdict
	}
	gone := map[class]uint64{}
	r.Findings = slices.DeleteFunc(r.Findings, func(f result.Finding) bool {
		if !hides(&f) {
			return false
		}
		gone[class{f.Detector, f.Outcome, f.Verdict}]++
		n++
		return true
	})
	for i := range r.Totals.Groups {
		g := &r.Totals.Groups[i]
		hidden := gone[class{g.Detector, g.Outcome, g.Verdict}]
		g.N, g.Listed = g.N-hidden, g.Listed-hidden
		if hidesAll(g) {
			n += g.N - g.Listed
			g.N = g.Listed
		}
	}
	r.Totals.Groups = slices.DeleteFunc(r.Totals.Groups, func(g result.Group) bool { return g.N == 0 })
	return n
}

// subtract takes out what the baseline has, and then what lies below --severity. The
// exit status counts what the first leaves.
func (c *command) subtract(r *result.Report) {
	if c.baseline != nil {
		r.Totals.Known = hide(r, c.baseline.knows, func(*result.Group) bool { return false })
	}
	c.found = c.fails(r)
	if c.flags.severity != "" {
		least := detectors.Severity(slices.Index(failLevels, c.flags.severity))
		r.Totals.Hidden = hide(r, func(f *result.Finding) bool { return f.Severity < least }, func(g *result.Group) bool { return g.Severity < least })
	}
	if (r.Totals.Known > 0 || r.Totals.Hidden > 0) && !c.allFlows {
		r.Flows = withFindings(r)
	}
}

// withFindings are the connections that have findings.
func withFindings(r *result.Report) []result.Flow {
	has := map[uint64]bool{}
	for i := range r.Findings {
		has[r.Findings[i].Flow.ID] = true
	}
	var flows []result.Flow
	place := map[uint64]int{}
	for i := range r.Flows {
		if f := &r.Flows[i]; has[f.ID] || f.TCB != nil {
			place[f.ID] = len(flows)
			flows = append(flows, *f)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Flow = &flows[place[f.Flow.ID]]
	}
	return flows
}
