package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// batchSize is how many segments travel together: 256 KiB of them. A worker that
// waits for a batch has to be woken, which takes as long as twenty segments.
const batchSize = 2048

// aloneSize is how many travel from a goroutine to itself: few enough that they are still in
// the cache when they are processed.
const aloneSize = 512

// inCache is how many segments are decoded before they are hashed: few enough that they, and the records that they come
// from, are still in the first-level cache.
const inCache = 128

// A batch is segments of the trace in order, decoded in place. Every worker gets
// every batch and processes what is its own: that costs less than sorting segments
// into batches of their own, which copies them.
//
// Segments are hashed where they were decoded, in the cache: to a worker, they come from
// another processor's. What they are found by is apart, so that a worker touches no more
// than that of segments that are others'.
type batch struct {
	segs      [batchSize]reassembly.Segment
	hashes    [batchSize]flow.Hashes
	first     uint64   // position of the first segment among all of the trace; the others' follow
	positions []uint64 // if they do not, as in a shard: all of them
	n         int
	left      atomic.Int32 // workers that are not done with it
}

// A pool is the workers and the way to them.
//
// On one processor, a single worker processes a part of a batch as soon as it is full, on
// the reader's goroutine: the segments are still in the cache.
type pool struct {
	seed    flow.Seed // of all their tables
	workers []*worker
	alone   bool // one worker, on the reader's goroutine
	most    int  // segments of a batch
	free    chan *batch
	current *batch
	wait    sync.WaitGroup
}

// inFlight is how many batches a worker may lag behind the reader.
const inFlight = 3

func newPool(o *Options) *pool {
	n := o.workers()
	p := &pool{seed: flow.NewSeed(), workers: make([]*worker, n), free: make(chan *batch, inFlight+2)}
	for range cap(p.free) {
		p.free <- nil // allocated on first use: a small capture needs few
	}
	p.current = p.fresh()
	p.most = batchSize
	if p.alone = n == 1 && runtime.GOMAXPROCS(0) == 1; p.alone {
		p.most = aloneSize
	}
	for i := range p.workers {
		w := &worker{seed: p.seed, in: make(chan *batch, inFlight), free: p.free, options: o}
		for part := i; part < partitions; part += n {
			w.own[part] = true
		}
		p.workers[i] = w
		if p.alone {
			break
		}
		p.wait.Add(1)
		go func() {
			defer p.wait.Done()
			w.run()
		}()
	}
	return p
}

// workers is how many workers there are.
func (o *Options) workers() int {
	n := o.Workers
	if n <= 0 { // the reader needs less than a processor, the workers more than one
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, partitions)
}

// fresh is an empty batch.
func (p *pool) fresh() *batch {
	b := <-p.free
	if b == nil {
		b = new(batch)
	}
	b.n = 0
	return b
}

// slot is where the next segment is to be decoded.
func (p *pool) slot() *reassembly.Segment { return &p.current.segs[p.current.n] }

// room is where the next segments are to be decoded, one at least.
func (p *pool) room() []reassembly.Segment {
	n := p.current.n
	return p.current.segs[n:min(n+inCache, p.most)]
}

// hand passes the segment in the slot on.
func (p *pool) hand(position uint64) { p.handAll(1, position) }

// handAll passes the first n segments in the room on, of which the first is at that position and
// the others follow.
func (p *pool) handAll(n int, position uint64) {
	b := p.current
	from, to := b.n, b.n+n
	p.seed.Hashes(b.segs[from:to], b.hashes[from:to])
	if b.place(from, to, position); to == p.most {
		p.send()
	}
}

// place notes the positions of segments that were added, of which the first is at that one and the others follow.
func (b *batch) place(from, to int, position uint64) {
	if b.n = to; from == 0 {
		b.first, b.positions = position, b.positions[:0]
	}
	if len(b.positions) == 0 && position == b.first+uint64(from) {
		return
	}
	for i := len(b.positions); i < from; i++ {
		b.positions = append(b.positions, b.first+uint64(i))
	}
	for i := range to - from {
		b.positions = append(b.positions, position+uint64(i))
	}
}

// send has the workers process the current batch, and begins another.
func (p *pool) send() {
	if p.share(); p.alone {
		p.current.n = 0
		return
	}
	p.current = p.fresh()
}

// share has the workers process the current batch.
func (p *pool) share() {
	if p.alone {
		p.workers[0].process(p.current)
		return
	}
	p.current.left.Store(int32(len(p.workers)))
	for _, w := range p.workers {
		w.in <- p.current
	}
}

// close hands over what is left and waits for the workers.
func (p *pool) close() {
	p.share()
	for _, w := range p.workers {
		close(w.in)
	}
	p.wait.Wait()
}

// partitions are those that got any segment, by worker.
func (p *pool) partitions() (all []*partition) {
	for _, w := range p.workers {
		all = append(all, w.all()...)
	}
	return all
}
