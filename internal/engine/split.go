package engine

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
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

// A Whole is what must be known of a trace to analyse a part of it.
type Whole struct {
	Trace       *stats.Trace
	Connections []Numbered // none where connections had to be dropped
	Openings    []Opened
	Points      []Point // of several capture points
}

// See is shown every segment of a source, with its position.
type See func(position uint64, seg *reassembly.Segment) error

// Split shows every segment of a source, and returns what must be known of the whole to
// analyse a part. For that it follows the connections as Run does, but for the detectors:
// only so is it known which FINs were acknowledged, and which connections there were. The
// first error of see ends it.
func Split(ctx context.Context, src Source, o Options, see See) (*Whole, error) {
	o.Detectors, o.AllFlows, o.Follow = nil, false, nil
	o.defaults()
	pool := newPool(&o)
	err := read(ctx, src, &o, pool, see)
	w := &Whole{Trace: statsOf(src, &o)}
	parts := pool.partitions()
	r, counts := assemble(&o, w.Trace, parts, nil)
	w.Openings = openings(parts, w.Trace.Openings)
	if !w.Trace.Counts.Known {
		w.Trace.Counts = counts
		w.Trace.Counts.Hosts = askedHosts(&o, parts)
		w.Trace.Counts.Scans = allScans(parts)
	}
	if err := cmp.Or(err, ctx.Err()); err != nil || r.Totals.EvictedFlows > 0 {
		return w, err
	}
	w.Connections = numbered(parts, w.Trace.Numbers)
	return w, nil
}

// SplitPoints is Split for the segments of several capture points. Those who know what the
// points have in common number the connections.
func SplitPoints(ctx context.Context, src Source, o Options, see See) (*Whole, error) {
	o.Detectors, o.AllFlows, o.Follow = nil, true, nil
	w := &Whole{}
	var err error
	w.Points, w.Trace, err = analyzePoints(ctx, src, o, see)
	return w, cmp.Or(err, ctx.Err())
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
	sorting.Stable(all, func(a, b Numbered) int { return cmp.Compare(a.Position, b.Position) })
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
