package engine

import (
	"runtime"
	"sync"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// batchSize is how many segments travel together: 64 KiB of them, so that a
// few batches in flight stay in the cache.
const batchSize = 512

// A batch is segments of one judge's partitions, in order. Its slots are
// decoded into in place.
type batch struct {
	segs  [batchSize]reassembly.Segment
	ord   [batchSize]uint64 // position among all segments of the trace
	print [batchSize]uint64 // first the fixed hash of the four-tuple, then the fingerprint of it all
	hash  [batchSize]uint32 // of the key, seeded by its partition
	part  [batchSize]uint8
	n     int
}

// team is the judges and the way to them.
type team struct {
	judges  []*judge
	free    chan *batch
	current []*batch // by judge; with one judge, slots are filled in place
	scratch reassembly.Segment
	wait    sync.WaitGroup
}

// inFlight is how many batches a judge may lag behind the reader.
const inFlight = 8

func newTeam(o *Options) *team {
	n := o.Workers
	if n <= 0 { // the reader needs less than a processor, the judges more than one
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, partitions)
	t := &team{judges: make([]*judge, n), current: make([]*batch, n), free: make(chan *batch, n*(inFlight+2))}
	for range cap(t.free) {
		t.free <- nil // allocated on first use: a small capture needs few
	}
	for i := range t.judges {
		j := &judge{in: make(chan *batch, inFlight), free: t.free, options: o}
		t.judges[i], t.current[i] = j, t.fresh()
		t.wait.Add(1)
		go func() {
			defer t.wait.Done()
			j.run()
		}()
	}
	return t
}

func (t *team) fresh() *batch {
	if b := <-t.free; b != nil {
		return b
	}
	return new(batch)
}

// slot is where the next segment is to be decoded.
func (t *team) slot() *reassembly.Segment {
	if len(t.judges) > 1 {
		return &t.scratch
	}
	b := t.current[0]
	return &b.segs[b.n]
}

// hand passes the segment in the slot on to its judge.
func (t *team) hand(ord uint64) {
	i := 0
	seg := t.slot()
	tuple := dealing.hash(seg)
	p := partitionOf(tuple)
	if len(t.judges) > 1 {
		i = int(p) % len(t.judges)
		t.current[i].segs[t.current[i].n] = *seg
	}
	b := t.current[i]
	b.ord[b.n], b.print[b.n], b.part[b.n] = ord, tuple, p
	if b.n++; b.n == batchSize {
		t.judges[i].in <- b
		t.current[i] = t.fresh()
	}
}

// close hands over what is left and waits for the judges.
func (t *team) close() {
	for i, j := range t.judges {
		j.in <- t.current[i]
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
