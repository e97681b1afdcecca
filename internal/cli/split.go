//go:build !js

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
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
	if err := c.onePlace(o); err != nil {
		return err
	}
	trace, err := c.open(o)
	if err != nil {
		return err
	}
	defer trace.Close()
	s.Engine = *o
	ctx, stop := interruptible(c.inputs.done)
	defer stop()
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

// maxPlaces is up to how many captures are compared before they are split: more are a
// rotation. Of each, the first placeSegments segments are.
const (
	maxPlaces     = 8
	placeSegments = 1 << 16
)

// onePlace returns an error if the captures are of the same connections at several
// places. Shards tell files apart, not places: each segment would count as often as it was
// captured.
func (c *command) onePlace(o *engine.Options) error {
	files := c.flags.files
	if len(files) < 2 || len(files) > maxPlaces {
		return nil
	}
	again := *o
	if c.filter != nil {
		again.Match = c.filter.match
	}
	plan := source.Recognise(context.Background(), files, capture.Options{Text: scenario.Pcapng}, &again, taps.Options{Limit: placeSegments})
	if names := plan.Names(); len(names) > 1 {
		return fmt.Errorf("%s are captures of the same connections at %d places, and shards hold one: split each by itself, or analyse the captures", strings.Join(names, " and "), len(names))
	}
	return nil
}
