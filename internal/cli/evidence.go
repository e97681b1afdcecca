package cli

import (
	"context"
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
)

// writeEvidence writes a capture for each finding. Each is read back, and held
// to the finding that it is to prove.
func (c *command) writeEvidence(ctx context.Context, r *result.Report, o *engine.Options) {
	eo := c.evidenceOptions(o)
	for i := range r.Captures {
		eo.Files = append(eo.Files, report.Clean(r.Captures[i].File))
	}
	c.evidenceOf(ctx, c.framesAgain, r, eo)
}

// framesAgain opens the inputs once more.
func (c *command) framesAgain() (evidence.Source, error) {
	switch trace, err := c.inputs.again(); trace := trace.(type) {
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
		Analyse: func(name string) (*result.Report, error) { return c.readBack(name, o) },
	}
	if c.disguise != nil {
		eo.Anonymize = c.disguise.mapper
	}
	return eo
}

func (c *command) evidenceOf(ctx context.Context, open func() (evidence.Source, error), r *result.Report, eo evidence.Options) {
	files, err := evidence.Write(ctx, c.flags.evidence, open, r, eo)
	c.check(err)
	for _, f := range files {
		if f.Doubt != "" {
			c.warn(fmt.Sprintf("%s: %s", f.Path, f.Doubt))
		} else {
			c.mention(fmt.Sprintf("wrote %s, %d frames", f.Path, f.Frames))
		}
	}
}

// readBack analyses a file of evidence with the settings of the run.
func (c *command) readBack(name string, o *engine.Options) (*result.Report, error) {
	trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
	if errs != nil {
		return nil, errs[0]
	}
	defer trace.Close()
	return engine.Run(context.Background(), trace, engine.Options{
		Detectors: o.Detectors, Settings: o.Settings, MaxFlows: o.MaxFlows, Workers: 1, VerifyChecksums: o.VerifyChecksums,
	}), nil
}
