//go:build !js

package cli

import (
	"context"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

// An interim prints findings while several interfaces are captured. It analyses what has been
// saved so far, again and again: what came in at one interface and did not go out at another
// is known only when all that both saw is compared. The closing report has all of them.
type interim struct {
	*command
	name    string // of the file that is being written
	options engine.Options
	format  *format
	before  map[string]string // outcomes of the last analysis, by ID
	printed map[string]string
	err     error // of printing
}

// interimEvery is how long to wait between two analyses. They take a tenth of the time at
// most: the longer one takes, the longer until the next.
const (
	interimEvery = 2 * time.Second
	interimShare = 10
)

// newInterim returns nil if the run asks for what only the end can tell.
func (c *command) newInterim(name string) *interim {
	f := c.flags
	o, form, err := c.options()
	if err != nil || !f.plain() || f.anonymize || f.output != "" || form.name != "text" && form.name != "ndjson" {
		return nil
	}
	return &interim{command: c, name: name, options: *o, format: form, printed: map[string]string{}}
}

// run analyses until ctx is done.
func (m *interim) run(ctx context.Context) {
	for wait := interimEvery; m.err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		start := time.Now()
		m.look(ctx)
		wait = max(interimEvery, interimShare*time.Since(start))
	}
}

// look analyses what has been saved, and prints what is new, and was seen before already: what
// a few more frames explain is no finding.
func (m *interim) look(ctx context.Context) {
	names := []string{m.name}
	o := m.options
	plan, err := source.Recognise(ctx, names, capture.Options{}, &o, taps.Options{Interfaces: true})
	if err != nil || plan == nil || ctx.Err() != nil {
		return
	}
	plan.Skip = m.skip
	trace, errs := source.Open(names, capture.Options{})
	defer trace.Close()
	if errs != nil {
		return
	}
	r, _ := source.RunPlan(ctx, trace, names, o, plan)
	if ctx.Err() != nil {
		return
	}
	nameTaps(r, nameBriefly)
	ro := m.reportOptions()
	ro.RawTime = trace.RawTime
	now := map[string]string{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Verdict != detectors.Seen {
			continue
		}
		now[f.ID] = f.Outcome
		if m.before[f.ID] != f.Outcome || m.printed[f.ID] == f.Outcome || m.err != nil {
			continue
		}
		m.printed[f.ID], f.Final = f.Outcome, false
		m.err = m.print(r, f, ro)
	}
	m.before = now
}

func (m *interim) print(r *result.Report, f *result.Finding, o report.Options) error {
	if m.format.name == "ndjson" {
		return report.FindingNDJSON(m.env.Stdout, r, f, o)
	}
	return report.FindingText(m.env.Stdout, r, f, o)
}
