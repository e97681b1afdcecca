package engine

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Tuple is the hash of a segment's four-tuple by which connections are dealt out:
// the same in both directions, on every machine. docs/shards.md defines it.
func Tuple(seg *reassembly.Segment) uint64 { return flow.Tuple(seg) }

// ShardOf is which of n shards has the connections with that hash. Up to 64 of
// them, if n is a power of two, are whole partitions: bounds hold there as in the
// whole trace.
func ShardOf(tuple uint64, n int) int {
	hi, _ := bits.Mul64(tuple, uint64(n))
	return int(hi)
}

// A Dealt is a connection of a trace that was split.
type Dealt struct {
	Tuple uint64
	packed.Number
}

// Split gives every segment of a trace to take, with its hash and position, and
// returns what must be known of the whole to judge a part. For that it follows
// the connections as Run does, but for the detectors: only so is it known which
// FINs were acknowledged, and which connections there were. Numbers are left out
// where connections had to be dropped. The first error of take ends it.
func Split(ctx context.Context, trace *capture.Trace, o Options, take func(tuple, position uint64, seg *reassembly.Segment) error) (*packed.Facts, []Dealt, error) {
	o.Detectors, o.AllFlows, o.Follow = nil, false, nil
	o.defaults()
	pool := newPool(&o)
	tap := &tap{Source: newFrames(ctx, trace, &o), take: take}
	read(ctx, tap, pool)
	facts := tap.Facts()
	parts := pool.partitions()
	r, census := assemble(&o, facts, parts, nil)
	if !facts.Census.Known {
		facts.Census = census
	}
	if err := cmp.Or(tap.err, ctx.Err()); err != nil || r.Totals.EvictedFlows > 0 {
		return facts, nil, err
	}
	return facts, dealt(parts, facts.Numbers), nil
}

// A tap shows the segments of a source to somebody else.
type tap struct {
	Source
	take func(tuple, position uint64, seg *reassembly.Segment) error
	err  error
}

func (t *tap) Next(seg *reassembly.Segment) (uint64, error) {
	position, err := t.Source.Next(seg)
	if err == nil {
		t.err = t.take(Tuple(seg), position, seg)
		err = t.err
	}
	return position, err
}

// dealt are the connections in order, with the numbers that they have, or are to
// have.
func dealt(parts []*partition, numbers []packed.Number) (all []Dealt) {
	for _, p := range parts {
		for _, f := range p.flows.All() {
			k := f.Conn.Key()
			all = append(all, Dealt{Tuple(&reassembly.Segment{Src: k.Lo, Dst: k.Hi}), packed.Number{Position: f.Position}})
		}
	}
	slices.SortFunc(all, func(a, b Dealt) int { return cmp.Compare(a.Position, b.Position) })
	for i := range all {
		all[i].Number.Number = uint64(i) + 1
		if len(numbers) == 0 {
			continue
		}
		n, is := slices.BinarySearchFunc(numbers, all[i].Position, func(n packed.Number, position uint64) int { return cmp.Compare(n.Position, position) })
		if !is {
			return nil
		}
		all[i].Number = numbers[n]
	}
	return all
}
