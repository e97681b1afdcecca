package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/excerpt"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// writeScenario writes the connections with findings, or the one of --flow, as
// scenario text that gives the same findings.
func (c *command) writeScenario(ctx context.Context, w io.Writer, r *result.Report, o *engine.Options) error {
	x, rows := c.excerpt, c.rows
	if x == nil {
		chosen, left := excerpt.Choose(r)
		switch {
		case left > 0:
			c.warn("%d connections with findings are printed, %d are left out (at most %d connections and %d segments); use --flow ID for any other",
				len(chosen), left, excerpt.MaxConns, excerpt.MaxSegments)
		case len(chosen) == 0:
			c.warn("no connection has a finding, nothing is printed; use --flow ID for any connection")
		}
		if len(chosen) == 0 {
			return nil
		}
		x = excerpt.New(chosen)
		again, err := c.again(ctx, *o, &engine.Follow{Conns: chosen, Successors: true, Step: x.Add})
		if err != nil {
			return fmt.Errorf("--format scenario reads the captures twice: %w; use --flow to print one connection", err)
		}
		rows = again.Flows
	}
	if x.Cut {
		c.warn("only the first %d segments are printed; findings may depend on later ones", excerpt.MaxSegments)
	}
	text := x.Text(r, rows)
	c.check(c.compare(ctx, text, o))
	_, err := w.Write(text)
	return err
}

// compare analyses the scenario and warns if the result differs from that of the
// capture: what other connections and the capturing system say about the capture
// is not in the scenario.
func (c *command) compare(ctx context.Context, text []byte, o *engine.Options) error {
	file, err := scenario.Parse("scenario", text)
	if err != nil {
		return fmt.Errorf("the scenario cannot be read back: %w", err)
	}
	packets, err := file.Traces[0].Pcapng()
	if err != nil {
		return fmt.Errorf("the scenario cannot be converted to a capture: %w", err)
	}
	trace, errs := capture.OpenTrace([]string{stdinName}, capture.Options{Stdin: bytes.NewReader(packets)})
	defer trace.Close()
	if errs != nil {
		return errs[0]
	}
	r := engine.Run(ctx, trace, engine.Options{Detectors: o.Detectors, Settings: o.Settings, Workers: 1})
	for _, fault := range file.Traces[0].Check(excerpt.Found(r)) {
		c.warn("the scenario gives another result than the capture: %s", fault)
	}
	return nil
}
