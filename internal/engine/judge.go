package engine

import "github.com/tcptrace-go/tcptrace/fsm"

// A judge follows the connections of its partitions.
type judge struct {
	in      chan *batch
	free    chan *batch
	options *Options
	mine    [partitions]bool
	parts   [partitions]*partition // nil where no segment has come yet
	events  fsm.Events

	// Of the part of a batch at hand: its segments in the judge's partitions, the seeded
	// hashes of their keys, and their fingerprints.
	own     [fetchSize]uint16
	hash    [fetchSize]uint32
	guess   [fetchSize]uint32 // and the connections that these most likely mean, plus one
	print   [fetchSize]uint64
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
			p.take(&b.segs[i], b.position[i], j.hash[k], j.guess[k], j.print[k], &j.events)
		}
	}
}

// fetchSize is for how many segments connections are fetched at a time: few
// enough that these are still in the cache when their turn comes.
const fetchSize = 512

// fetch finds the judge's own segments in a part of a batch and has memory bring
// their connections: first all places in the tables, then all connections. Each
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
		j.hash[n] = p.table.hashOf(&b.segs[i])
		j.print[n] = fingerprint(b.tuple[i], &b.segs[i])
		j.fetched += p.copies.place(j.print[n])[0].at
		if slots := len(p.table.slots); slots > 0 {
			j.fetched += p.table.slots[int(j.hash[n])&(slots-1)].tag
		}
		n++
	}
	for k := range n {
		t := &j.parts[partitionOf(b.tuple[j.own[k]])].table
		j.guess[k] = t.guess(j.hash[k])
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
