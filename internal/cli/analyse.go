package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// analyse reads the captures and reports.
func (c *command) analyse() {
	o, form, err := c.prepare()
	if err != nil {
		c.complain(err)
		return
	}
	defer c.inputs.close()
	sieve, err := newSieve(c.flags)
	if err != nil {
		c.complain(err)
		return
	}
	c.confine(sandbox.Needs{Read: c.flags.files, Write: c.outputs()})
	trace, ok := c.open(sieve, o)
	defer trace.Close()
	if !ok {
		return
	}
	ctx, stop := interruptible(c.inputs.done)
	defer stop()
	if err := c.count(ctx, trace, o.Follow); err != nil {
		c.complain(err)
		return
	}
	hideBar := c.showProgress(trace)
	r := engine.Run(ctx, trace, *o)
	hideBar()
	if ctx.Err() != nil {
		c.complain(errors.New("interrupted: what follows covers the frames read so far"))
	}
	c.tellDamage(trace.Infos())
	c.tellRefused(sieve)
	if o.Follow != nil {
		if err := c.single(r, o.Follow); err != nil {
			c.complain(err)
			return
		}
	}
	c.disguise.captures(r)
	c.check(c.report(ctx, r, o, form, trace.RawTime))
	if c.flags.evidence != "" {
		c.writeEvidence(ctx, r, o)
	}
	c.found = c.fails(r)
}

// open opens the captures, and reports whether there is anything to do.
func (c *command) open(sieve *sieve, o *engine.Options) (*capture.Trace, bool) {
	if sieve != nil {
		o.Match = sieve.match
	}
	trace, errs := c.inputs.open()
	for _, err := range errs {
		c.complain(err)
	}
	if len(errs) == len(c.flags.files) {
		return trace, false
	}
	c.knowCaptures(trace)
	err := c.suits(trace)
	c.check(err)
	return trace, err == nil
}

// errNothing is what a command line without files says.
var errNothing = errors.New("nothing to read: name a capture file, or - for standard input (see --help)")

// prepare turns the flags into what a run needs.
func (c *command) prepare() (*engine.Options, *format, error) {
	o, form, err := c.options()
	if err == nil && len(c.flags.files) == 0 {
		err = errNothing
	}
	if err != nil {
		return nil, nil, err
	}
	if c.disguise, err = newDisguise(c.flags); err != nil {
		return nil, nil, err
	}
	c.disguise.apply(o)
	if c.flags.evidence != "" {
		if err := os.MkdirAll(c.flags.evidence, 0o777); err != nil {
			return nil, nil, fmt.Errorf("--evidence: %w", err)
		}
	}
	twice := c.flags.evidence != "" || form.name == "html" || form.name == "scenario" && c.flags.flow == ""
	c.inputs, err = c.newInputs(twice)
	return o, form, err
}

// again reads the captures once more, for connections that the first reading
// found to be of interest.
func (c *command) again(ctx context.Context, o engine.Options, follow *engine.Follow) (*result.Report, error) {
	trace, err := c.inputs.again()
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	o.Detectors, o.AllFlows, o.Follow = nil, false, follow
	return engine.Run(ctx, trace, o), nil
}

// pictures are what an HTML page draws of the connections whose findings it
// tells: the capture is read once more for them.
func (c *command) pictures(ctx context.Context, r *result.Report, o *engine.Options, ro report.Options) *report.Pictures {
	p := report.NewPictures(r, ro)
	drawn := map[uint64]bool{}
	for _, id := range p.Flows() {
		drawn[id] = true
	}
	ids := map[uint64]uint64{} // by Flow.Conn
	follow := &engine.Follow{Conns: map[uint64]bool{}, Turn: func(t result.Step) { p.Add(ids[t.Conn], &t) }}
	for i := range r.Flows {
		if f := &r.Flows[i]; drawn[f.ID] {
			ids[f.Conn] = f.ID
			follow.Conns[f.Conn] = true
		}
	}
	if len(ids) == 0 {
		return p
	}
	if _, err := c.again(ctx, *o, follow); err != nil {
		c.warn("no pictures: " + err.Error())
	}
	return p
}
