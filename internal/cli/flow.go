package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/excerpt"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// parseFlow reads the value of --flow: a number, or A:PORT-B:PORT.
func parseFlow(value string) (*engine.Follow, error) {
	if id, err := strconv.ParseUint(value, 10, 64); err == nil && id > 0 {
		return &engine.Follow{ID: id}, nil
	}
	one, other, _ := strings.Cut(value, "-")
	lo, err1 := netip.ParseAddrPort(one)
	hi, err2 := netip.ParseAddrPort(other)
	if err1 != nil || err2 != nil {
		return nil, errors.New("want the number of a connection in --flows, or A:PORT-B:PORT ([A]:PORT-[B]:PORT for IPv6)")
	}
	return &engine.Follow{Key: reassembly.Key{Lo: reassembly.EndpointFrom(lo), Hi: reassembly.EndpointFrom(hi)}}, nil
}

// quoted is a flag as messages quote it: without its value if what that may name is replaced.
func (f *flags) quoted(flag, value string) string {
	if f.anonymize {
		return flag
	}
	return flag + " " + report.Clean(value)
}

func (f *flags) flowText() string { return f.quoted("--flow", f.flow) }

// follow makes the engine record the connection of --flow.
func (c *command) follow(o *engine.Options, form *format) (err error) {
	if o.Follow, err = parseFlow(c.flags.flow); err != nil {
		return fmt.Errorf("%s: %w", c.flags.flowText(), err)
	}
	if form.name == "scenario" {
		c.excerpt = excerpt.New(nil)
		o.Follow.Successors, o.Follow.Step = true, c.excerpt.Add
	} else {
		c.timeline = new(timeline)
		o.Follow.Step = c.timeline.add
		c.strip = new(waits.Strip)
		o.Follow.Stretch = func(_ uint64, x *waits.Stretch) { c.strip.Add(x) }
	}
	return nil
}

// findInShards turns the number of a connection in the original trace into its
// position among the connections of the shards.
func (c *command) findInShards(ctx context.Context, first source.Trace, follow *engine.Follow) error {
	if _, is := first.(*shard.Trace); !is || follow == nil || follow.ID == 0 || c.plan != nil { // see followTaps
		return nil
	}
	again, err := c.inputs.reopen()
	if err != nil {
		return fmt.Errorf("%s: shards are read twice to find a connection by number: %w; use A:PORT-B:PORT", c.flags.flowText(), err)
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
		return nil // connections are numbered from 1
	}
	i, is := slices.BinarySearchFunc(numbers, follow.ID, func(n stats.Number, id uint64) int {
		return int(min(max(int64(n.Number-id), -1), 1))
	})
	if !is {
		return fmt.Errorf("%s: no such connection in these shards (see --flows)", c.flags.flowText())
	}
	follow.Place = uint64(i) + 1
	return nil
}

// single removes all other connections from the report.
func (c *command) single(r *result.Report, follow *engine.Follow) error {
	c.rows = r.Flows
	i := slices.IndexFunc(r.Flows, func(f result.Flow) bool { return f.TCB != nil })
	if i < 0 {
		return fmt.Errorf("%s: no such connection among the %d of this trace (see --flows)", c.flags.flowText(), r.Totals.Flows)
	}
	r.Flows = []result.Flow{r.Flows[i]}
	flow := &r.Flows[0]
	if flow.Time != nil {
		flow.Strip = c.strip
	}
	if follow.ID != 0 && flow.ID != follow.ID {
		c.warn("connections were dropped to stay within --max-flows; connection %d is number %d of those that remain", follow.ID, flow.ID)
	}
	if len(follow.Same) > 0 {
		c.warn("connection %d is the first of several with these endpoints; the next are %s", flow.ID, strings.Trim(fmt.Sprint(follow.Same), "[]"))
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f result.Finding) bool { return f.Flow.ID != flow.ID })
	for i := range r.Findings {
		r.Findings[i].Flow = flow
	}
	return nil
}
