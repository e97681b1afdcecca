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
	points := w.options.Points
	hashes, segs, positions, first := b.hashes[:b.n], b.segs[:b.n], b.positions, b.first
	for i := range hashes {
		h := &hashes[i]
		part := partitionOf(uint64(h.Tuple) << 32)
		p := w.parts[part]
		if p == nil {
			if !w.own[part] {
				continue
			}
			p = w.partition(part)
		}
		position := first + uint64(i)
		if i < len(positions) { // all of them, or none
			position = positions[i]
		}
		id := p.process(&segs[i], position, h, &w.events)
		if points != nil {
			points.note(position, p.flows.At(id).Position)
		}
	}
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
