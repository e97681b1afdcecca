//go:build !js

package cli

import (
	"errors"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// split writes the captures as shards, without analysing them.
func (c *command) split() error {
	f := c.flags
	o := &engine.Options{MaxFlows: f.maxFlows, Workers: f.workers, VerifyChecksums: f.checksums}
	err := c.begin(o)
	if err != nil {
		return err
	}
	if c.inputs, err = c.newInputs(false); err != nil {
		return err
	}
	s := &shard.Split{Dir: f.output, Shards: f.shards, Rename: c.anonymizer.packed, Guard: &c.guard}
	if err := s.Prepare(); err != nil {
		return err
	}
	c.confine([]string{s.Dir})
	ctx, stop := interruptible(c.inputs.done)
	defer stop()
	if err := c.recognise(ctx, o, true); err != nil {
		return err
	}
	trace, err := c.open(o)
	if err != nil {
		return err
	}
	defer trace.Close()
	if c.plan != nil {
		o.Points = c.plan.Points()
		s.Taps = &shard.Taps{Route: c.plan.Route(), Plan: c.plan.Save(), Join: c.plan.Join}
	}
	s.Engine = *o
	hideBar := c.showProgress(trace)
	sum, err := s.Run(ctx, trace.Infos(), source.Segments(ctx, trace, o))
	hideBar()
	c.complainOfInputs(trace)
	if ctx.Err() != nil {
		return errors.New("interrupted: no shards were written")
	}
	if err == nil {
		c.mention("wrote %d shards to %s, %d segments in %d bytes", s.Shards, s.Dir, sum.Segments, sum.Bytes)
	}
	return err
}
