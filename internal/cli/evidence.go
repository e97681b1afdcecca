package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

// makeEvidenceDir creates the directory of --evidence.
func (c *command) makeEvidenceDir() error {
	if c.flags.evidence == "" {
		return nil
	}
	if err := os.MkdirAll(c.flags.evidence, 0o777); err != nil {
		return fmt.Errorf("--evidence: %w", err)
	}
	return nil
}

// framesAgain opens the inputs for the second reading; shards give headers.
func (c *command) framesAgain() (evidence.Source, error) {
	switch trace, err := c.inputs.reopen(); trace := trace.(type) {
	case *shard.Trace:
		return evidence.Headers(trace), nil
	case *capture.Trace:
		return trace, nil
	default:
		return nil, err
	}
}

func (c *command) evidenceOptions(o *engine.Options) evidence.Options {
	eo := evidence.Options{
		Payload: c.flags.evidencePayload, Version: Version(), Match: o.Match, VerifyChecksums: o.VerifyChecksums,
		Guard: &c.guard,
		// A written file is analysed with the settings of the run, to see
		// whether it gives the finding that it should prove.
		Analyse: func(name string) (*result.Report, error) {
			names := []string{name}
			trace, errs := source.Open(names, capture.Options{})
			defer trace.Close()
			if errs != nil {
				return nil, errs[0]
			}
			again := engine.Options{Detectors: o.Detectors, Settings: o.Settings, MaxFlows: o.MaxFlows, Workers: 1, VerifyChecksums: o.VerifyChecksums}
			plan := c.plan
			if plan != nil { // an interface for each tap
				plan, _ = source.Recognise(context.Background(), names, capture.Options{}, &again, taps.Options{Suspected: true})
			}
			r, _ := source.RunPlan(context.Background(), trace, names, again, plan)
			return r, nil
		},
	}
	if c.plan != nil {
		eo.Point = o.Points.Of
	}
	if c.anonymizer != nil {
		eo.Anonymize, eo.TimesShifted = c.anonymizer.mapper, c.anonymizer.shift != 0
	}
	return eo
}

// writeEvidence writes a capture for each finding of the report. Segment.File is
// the index into files.
func (c *command) writeEvidence(ctx context.Context, source func() (evidence.Source, error), files []string, r *result.Report, o evidence.Options) {
	o.Files = nil
	for _, name := range files {
		o.Files = append(o.Files, report.Clean(name))
	}
	written, err := evidence.Write(ctx, c.flags.evidence, source, r, o)
	c.check(err)
	for _, f := range written {
		if f.Doubt != "" {
			c.warn("%s: %s", f.Path, f.Doubt)
		} else {
			c.mention("wrote %s, %d frames", f.Path, f.Frames)
		}
	}
}

// liveEvidence writes evidence while a live capture runs, from the frames that are
// still remembered.
type liveEvidence struct {
	*command
	recent  *evidence.Recent
	options evidence.Options
	written map[string]bool // IDs
	full    bool
}

// maxLiveEvidence bounds the files of a live capture, which may run for weeks and
// fill a disk.
const maxLiveEvidence = 1000

func (c *command) newLiveEvidence(o *engine.Options) *liveEvidence {
	e := &liveEvidence{command: c, recent: evidence.NewRecent(), options: c.evidenceOptions(o), written: map[string]bool{}}
	e.options.Remembered, e.options.Match = true, nil
	return e
}

// update writes the evidence of the current revision of a finding, and removes it
// if the finding was withdrawn.
func (e *liveEvidence) update(f *result.Finding, captures []result.Capture, files []string) {
	switch {
	case f.Withdrawn:
		if e.written[f.ID] {
			e.check(os.Remove(filepath.Join(e.flags.evidence, evidence.FileName(f))))
			delete(e.written, f.ID)
		}
		return
	case f.Verdict == detectors.Undecided && !f.Final:
		return
	case len(e.written) == maxLiveEvidence && !e.written[f.ID]:
		if !e.full {
			e.full = true
			e.warn("%s: evidence of %d findings was written; no more will be written", e.flags.evidence, maxLiveEvidence)
		}
		return
	}
	e.written[f.ID] = true
	r := &result.Report{Captures: captures, Flows: []result.Flow{*f.Flow}, Findings: []result.Finding{*f}}
	r.Findings[0].Flow = &r.Flows[0]
	e.writeEvidence(context.Background(), func() (evidence.Source, error) { return e.recent.Of(f.Flow.Key), nil }, files, r, e.options)
}
