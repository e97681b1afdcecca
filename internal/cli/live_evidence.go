package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A clerk writes the evidence of a live capture while it goes on: what the
// finding rests on is remembered for a while only.
type clerk struct {
	*command
	recent  *evidence.Recent
	options evidence.Options
	written map[string]bool // IDs
	full    bool
}

// maxClerk is how many files a live capture writes at most: it may go on for
// weeks, into a directory that nobody looks at.
const maxClerk = 1000

func (c *command) newClerk(o *engine.Options) (*clerk, error) {
	if err := os.MkdirAll(c.flags.evidence, 0o777); err != nil {
		return nil, err
	}
	k := &clerk{command: c, recent: evidence.NewRecent(), options: c.evidenceOptions(o), written: map[string]bool{}}
	k.options.Remembered, k.options.Match = true, nil
	return k, nil
}

// file writes the evidence of a finding as it stands, and takes it away if the
// finding was withdrawn.
func (k *clerk) file(f *result.Finding, captures []result.Capture, names []string) {
	switch {
	case f.Withdrawn:
		if k.written[f.ID] {
			k.check(os.Remove(filepath.Join(k.flags.evidence, evidence.FileName(f))))
			delete(k.written, f.ID)
		}
		return
	case f.Verdict == detectors.Undecided && !f.Final:
		return
	case len(k.written) == maxClerk && !k.written[f.ID]:
		if !k.full {
			k.full = true
			k.warn(fmt.Sprintf("%s: holds the evidence of %d findings, and gets no more", k.flags.evidence, maxClerk))
		}
		return
	}
	k.written[f.ID] = true
	k.options.Files = nil
	for _, name := range names {
		k.options.Files = append(k.options.Files, report.Clean(name))
	}
	r := &result.Report{Captures: captures, Flows: []result.Flow{*f.Flow}, Findings: []result.Finding{*f}}
	r.Findings[0].Flow = &r.Flows[0]
	k.evidenceOf(context.Background(), func() (evidence.Source, error) { return k.recent.Of(f.Flow.Key), nil }, r, k.options)
}
