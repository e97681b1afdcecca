package engine

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Tuple is the hash of a segment's four-tuple by which connections are distributed:
// the same in both directions, on every machine. docs/shards.md defines it.
func Tuple(seg *reassembly.Segment) uint64 { return flow.Tuple(seg) }

// ShardOf is which of n shards has the connections with that hash. Up to 64 of
// them, if n is a power of two, are whole partitions: bounds hold there as in the
// whole trace.
func ShardOf(tuple uint64, n int) int {
	hi, _ := bits.Mul64(tuple, uint64(n))
	return int(hi)
}

// A Numbered is a connection of a trace that was split.
type Numbered struct {
	Tuple uint64
	stats.Number
}

// Split gives every segment of a source to write, with its hash and position, and
// returns what must be known of the whole to analyse a part. For that it follows
// the connections as Run does, but for the detectors: only so is it known which
// FINs were acknowledged, and which connections there were. Numbers are left out
// where connections had to be dropped. The first error of write ends it.
func Split(ctx context.Context, src Source, o Options, write func(tuple, position uint64, seg *reassembly.Segment) error) (*stats.Trace, []Numbered, error) {
	o.Detectors, o.AllFlows, o.Follow = nil, false, nil
	o.defaults()
	pool := newPool(&o)
	err := read(ctx, src, &o, pool, func(position uint64, seg *reassembly.Segment) error { return write(Tuple(seg), position, seg) })
	whole := statsOf(src, &o)
	parts := pool.partitions()
	r, counts := assemble(&o, whole, parts, nil)
	if !whole.Counts.Known {
		whole.Counts = counts
	}
	if err := cmp.Or(err, ctx.Err()); err != nil || r.Totals.EvictedFlows > 0 {
		return whole, nil, err
	}
	return whole, numbered(parts, whole.Numbers), nil
}

// numbered are the connections in order, with the numbers that they have, or are to
// have.
func numbered(parts []*partition, numbers []stats.Number) (all []Numbered) {
	for _, p := range parts {
		for _, f := range p.flows.All() {
			k := f.Conn.Key()
			all = append(all, Numbered{Tuple(&reassembly.Segment{Src: k.Lo, Dst: k.Hi}), stats.Number{Position: f.Position}})
		}
	}
	slices.SortFunc(all, func(a, b Numbered) int { return cmp.Compare(a.Position, b.Position) })
	for i := range all {
		all[i].Number.Number = uint64(i) + 1
		if len(numbers) == 0 {
			continue
		}
		n, is := slices.BinarySearchFunc(numbers, all[i].Position, func(n stats.Number, position uint64) int { return cmp.Compare(n.Position, position) })
		if !is {
			return nil
		}
		all[i].Number = numbers[n]
	}
	return all
}
