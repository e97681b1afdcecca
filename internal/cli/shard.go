package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// split writes the captures as shards, and judges nothing.
func (c *command) split() {
	s, o, err := c.splitting()
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
	if err := s.Prepare(); err != nil {
		c.complain(err)
		return
	}
	c.confine(sandbox.Needs{Read: c.flags.files, Write: []string{s.Dir}})
	trace, ok := c.open(sieve, o)
	defer trace.Close()
	if !ok {
		return
	}
	s.Engine = *o
	ctx, stop := interruptible(c.inputs.done)
	defer stop()
	hideBar := c.showProgress(trace)
	sum, err := s.Run(ctx, trace.Infos(), source.Segments(ctx, trace, o))
	hideBar()
	c.tellDamage(trace.Infos())
	c.tellRefused(sieve)
	switch {
	case ctx.Err() != nil:
		c.complain(errors.New("interrupted: no shards are written"))
	case err != nil:
		c.complain(err)
	default:
		c.mention(fmt.Sprintf("wrote %d shards to %s, %d segments in %d bytes", s.Shards, s.Dir, sum.Segments, sum.Bytes))
	}
}

// splitting is what the flags say of it.
func (c *command) splitting() (*shard.Split, *engine.Options, error) {
	f := c.flags
	if len(f.files) == 0 {
		return nil, nil, errNothing
	}
	var err error
	if c.disguise, err = newDisguise(f); err != nil {
		return nil, nil, err
	}
	o := &engine.Options{MaxFlows: f.maxFlows, Workers: f.workers, VerifyChecksums: f.checksums}
	c.disguise.apply(o)
	c.inputs, err = c.newInputs(false)
	return &shard.Split{Dir: f.output, Shards: f.shards, Rename: c.disguise.packed}, o, err
}

// packed replaces the names of the files that shards tell of.
func (d *disguise) packed(captures []stats.Capture) {
	if d == nil {
		return
	}
	for i := range captures {
		k := &captures[i]
		k.File = d.names.Of(k.File)
		for j := range k.Warnings {
			k.Warnings[j] = d.names.In(k.Warnings[j])
		}
	}
}

// suits says what was asked for that only frames can give, if there are none.
func (c *command) suits(trace source.Trace) error {
	f := c.flags
	if _, is := trace.(*shard.Trace); !is {
		return nil
	}
	for _, x := range [...]struct {
		flag  string
		given bool
	}{{"--filter", f.filter != ""}, {"--filter-bpf", f.filterBP != ""}, {"--verify-checksums", f.checksums}} {
		if x.given {
			return fmt.Errorf("%s: shards hold segments, not frames; say it when splitting", x.flag)
		}
	}
	if f.evidencePayload {
		return errors.New("--evidence-payload: shards hold no payload")
	}
	return nil
}

// knowCaptures has the disguise replace the names of the captures that were
// split, too.
func (c *command) knowCaptures(trace source.Trace) {
	if _, is := trace.(*shard.Trace); !is || c.disguise == nil {
		return
	}
	var names []string
	for _, info := range trace.Infos() {
		names = append(names, info.File)
	}
	c.disguise.names = anonymize.NewNames(slices.Concat(names, c.flags.files))
}

// count turns a connection's number, which is that in the trace that was split,
// into its place among those of the shards.
func (c *command) count(ctx context.Context, first source.Trace, follow *engine.Follow) error {
	if _, is := first.(*shard.Trace); !is || follow == nil || follow.ID == 0 {
		return nil
	}
	again, err := c.inputs.again()
	if err != nil {
		return fmt.Errorf("--flow %s: shards are read twice to find a number: %w; say A:PORT-B:PORT", c.flags.flow, err)
	}
	defer again.Close()
	shards, is := again.(*shard.Trace)
	if !is {
		return errors.New("--flow: the shards cannot be read again")
	}
	var seg reassembly.Segment
	for err = nil; err == nil && ctx.Err() == nil; {
		_, err = shards.Next(&seg)
	}
	if err != io.EOF {
		return errors.Join(err, ctx.Err())
	}
	numbers := shards.Stats().Numbers
	if len(numbers) == 0 {
		return nil // they count from 1 here as well
	}
	i, is := slices.BinarySearchFunc(numbers, follow.ID, func(n stats.Number, id uint64) int {
		return int(min(max(int64(n.Number-id), -1), 1))
	})
	if !is {
		return fmt.Errorf("--flow %s: there is no such connection in these shards (see --flows)", c.flags.flow)
	}
	follow.Place = uint64(i) + 1
	return nil
}
