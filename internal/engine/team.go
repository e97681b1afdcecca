package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// batchSize is how many segments travel together: 256 KiB of them. A judge that
// waits for a batch has to be woken, which takes as long as twenty segments.
const batchSize = 2048

// A batch is segments of the trace in order, decoded in place. Every judge gets
// every batch and takes what is its own: that costs less than sorting segments
// into batches of their own, which copies them.
type batch struct {
	segs     [batchSize]reassembly.Segment
	position [batchSize]uint64 // among all segments of the trace
	tuple    [batchSize]uint64 // the fixed hash of the four-tuple
	hash     [batchSize]uint32 // the seeded one
	print    [batchSize]uint64 // the fingerprint
	n        int
	left     atomic.Int32 // judges that are not done with it
}

// add takes the segment that was decoded into the next place. It is hashed here,
// where it is in the cache: to a judge, it comes from another processor's.
func (b *batch) add(position uint64, s *seed) {
	n, seg := b.n, &b.segs[b.n]
	b.position[n], b.tuple[n] = position, dealing.hash(seg)
	b.hash[n], b.print[n] = s.key(seg), fingerprint(b.tuple[n], seg)
	b.n++
}

// team is the judges and the way to them.
type team struct {
	seed    seed // of all their tables
	judges  []*judge
	free    chan *batch
	current *batch
	wait    sync.WaitGroup
}

// inFlight is how many batches a judge may lag behind the reader.
const inFlight = 8

func newTeam(o *Options) *team {
	n := o.judges()
	t := &team{seed: newSeed(), judges: make([]*judge, n), free: make(chan *batch, inFlight+2)}
	for range cap(t.free) {
		t.free <- nil // allocated on first use: a small capture needs few
	}
	t.current = t.fresh()
	for i := range t.judges {
		j := &judge{seed: t.seed, in: make(chan *batch, inFlight), free: t.free, options: o}
		for p := i; p < partitions; p += n {
			j.mine[p] = true
		}
		t.judges[i] = j
		t.wait.Add(1)
		go func() {
			defer t.wait.Done()
			j.run()
		}()
	}
	return t
}

// judges is how many judges there are.
func (o *Options) judges() int {
	n := o.Workers
	if n <= 0 { // the reader needs less than a processor, the judges more than one
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, partitions)
}

// fresh is an empty batch.
func (t *team) fresh() *batch {
	b := <-t.free
	if b == nil {
		b = new(batch)
	}
	b.n = 0
	return b
}

// slot is where the next segment is to be decoded.
func (t *team) slot() *reassembly.Segment { return &t.current.segs[t.current.n] }

// hand passes the segment in the slot on.
func (t *team) hand(position uint64) {
	if t.current.add(position, &t.seed); t.current.n == batchSize {
		t.send()
		t.current = t.fresh()
	}
}

func (t *team) send() {
	t.current.left.Store(int32(len(t.judges)))
	for _, j := range t.judges {
		j.in <- t.current
	}
}

// close hands over what is left and waits for the judges.
func (t *team) close() {
	t.send()
	for _, j := range t.judges {
		close(j.in)
	}
	t.wait.Wait()
}

// partitions are those that got any segment, by judge.
func (t *team) partitions() (all []*partition) {
	for _, j := range t.judges {
		all = append(all, j.all()...)
	}
	return all
}

// partitions is how many parts the connections are dealt into, whatever the
// number of judges.
const partitions = 64

// dealing is the fixed seed by which connections are dealt to partitions.
var dealing = seed{0x8EBC6AF09C88C6E3, 0xE7037ED1A0B428DB}

// partitionOf is the part of the connection with this fixed hash of the
// four-tuple: the same for both directions, the same in every run.
func partitionOf(tuple uint64) uint8 { return uint8(tuple >> 58) }
