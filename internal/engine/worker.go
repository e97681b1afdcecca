package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
)

// A worker processes the segments of its partitions.
type worker struct {
	in      chan *batch
	free    chan *batch
	options *Options
	seed    flow.Seed // of its partitions' tables
	own     [partitions]bool
	parts   [partitions]*partition // nil where no segment has come yet
	events  fsm.Events

	// Of the part of a batch at hand: its segments in the worker's partitions, and the
	// connections that they most likely belong to.
	segs    [fetchSize]uint16
	guess   [fetchSize]flow.ID
	fetched uint32 // keeps fetch from being optimised away
}

func (w *worker) run() {
	for b := range w.in {
		w.process(b)
		if b.left.Add(-1) == 0 {
			w.free <- b
		}
	}
}

func (w *worker) process(b *batch) {
	for from := 0; from < b.n; from += fetchSize {
		n := w.fetch(b, from, min(from+fetchSize, b.n))
		for k := range n {
			i := w.segs[k]
			p := w.parts[partitionOf(b.tuple[i])]
			id := p.process(&b.segs[i], b.position[i], b.hash[i], w.guess[k], b.print[i], &w.events)
			if w.options.Points != nil {
				w.options.Points.note(b.position[i], p.flows.At(id).Position)
			}
		}
	}
}

// fetchSize is for how many segments connections are fetched at a time: few enough
// that these are still in the cache when their turn comes.
const fetchSize = 512

// fetch finds the worker's own segments in a part of a batch and has memory bring
// them and their connections: first all places in the tables, then the rest. Each
// loop's misses overlap; one by one they would be most of the worker's time.
func (w *worker) fetch(b *batch, from, to int) (n int) {
	for i := from; i < to; i++ {
		part := partitionOf(b.tuple[i])
		if !w.own[part] {
			continue
		}
		w.segs[n] = uint16(i)
		w.fetched += w.partition(part).flows.Touch(b.hash[i], b.print[i])
		n++
	}
	for k := range n {
		i := w.segs[k]
		w.fetched += b.segs[i].Frame + uint32(b.segs[i].Dst.Port)
		t := &w.parts[partitionOf(b.tuple[i])].flows
		w.guess[k] = t.Guess(b.hash[i])
		if w.guess[k] != flow.New {
			w.fetched += t.At(w.guess[k]).Touch()
		}
	}
	return n
}

// partition is the worker's partition of that number, made when it is needed.
func (w *worker) partition(n uint8) *partition {
	if w.parts[n] == nil {
		w.parts[n] = newPartition(w.options, w.seed)
	}
	return w.parts[n]
}

// all are the partitions that got any segment.
func (w *worker) all() (parts []*partition) {
	for _, p := range w.parts {
		if p != nil {
			parts = append(parts, p)
		}
	}
	return parts
}
