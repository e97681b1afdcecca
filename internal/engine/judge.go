package engine

import "github.com/tcptrace-go/tcptrace/fsm"

// A judge follows the connections of its partitions.
type judge struct {
	in      chan *batch
	free    chan *batch
	options *Options
	seed    seed // of its partitions' tables
	mine    [partitions]bool
	parts   [partitions]*partition // nil where no segment has come yet
	events  fsm.Events

	// Of the part of a batch at hand: its segments in the judge's partitions, and the
	// connections that they most likely belong to, plus one.
	own     [fetchSize]uint16
	guess   [fetchSize]uint32
	fetched uint32 // keeps fetch from being optimised away
}

func (j *judge) run() {
	for b := range j.in {
		j.take(b)
		if b.left.Add(-1) == 0 {
			j.free <- b
		}
	}
}

func (j *judge) take(b *batch) {
	for from := 0; from < b.n; from += fetchSize {
		n := j.fetch(b, from, min(from+fetchSize, b.n))
		for k := range n {
			i := j.own[k]
			p := j.parts[partitionOf(b.tuple[i])]
			p.take(&b.segs[i], b.position[i], b.hash[i], j.guess[k], b.print[i], &j.events)
		}
	}
}

// fetchSize is for how many segments connections are fetched at a time: few
// enough that these are still in the cache when their turn comes.
const fetchSize = 512

// fetch finds the judge's own segments in a part of a batch and has memory bring
// them and their connections: first all places in the tables, then the rest. Each
// loop's misses overlap; taken one by one they would be most of the judge's
// time.
func (j *judge) fetch(b *batch, from, to int) (n int) {
	for i := from; i < to; i++ {
		part := partitionOf(b.tuple[i])
		if !j.mine[part] {
			continue
		}
		p := j.partition(part)
		j.own[n] = uint16(i)
		j.fetched += p.copies.place(b.print[i])[0].at
		if slots := len(p.table.slots); slots > 0 {
			j.fetched += p.table.slots[int(b.hash[i])&(slots-1)].tag
		}
		n++
	}
	for k := range n {
		i := j.own[k]
		j.fetched += b.segs[i].Frame + uint32(b.segs[i].Dst.Port)
		t := &j.parts[partitionOf(b.tuple[i])].table
		j.guess[k] = t.guess(b.hash[i])
		if j.guess[k] != 0 {
			f := t.flow(j.guess[k] - 1)
			j.fetched += f.conn.Touch() + f.watch
		}
	}
	return n
}

// partition is the judge's partition of that number, made when it is needed.
func (j *judge) partition(n uint8) *partition {
	if j.parts[n] == nil {
		j.parts[n] = newPartition(j.options)
		j.parts[n].table.seed = j.seed
	}
	return j.parts[n]
}

// all are the partitions that got any segment.
func (j *judge) all() (parts []*partition) {
	for _, p := range j.parts {
		if p != nil {
			parts = append(parts, p)
		}
	}
	return parts
}
