package engine

import (
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A judge follows the connections of its partitions.
type judge struct {
	in      chan *batch
	free    chan *batch
	options *Options
	mine    [partitions]bool
	parts   [partitions]*partition // nil where no segment has come yet
	events  fsm.Events

	// Of the batch at hand: its segments in the judge's partitions, the seeded
	// hashes of their keys, and their fingerprints.
	own     [batchSize]uint16
	hash    [batchSize]uint32
	print   [batchSize]uint64
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
	n := j.fetch(b)
	for k := range n {
		i := j.own[k]
		p := j.parts[partitionOf(b.tuple[i])]
		p.take(&b.segs[i], b.first+uint64(i), j.hash[k], j.print[k], &j.events)
	}
}

// fetch finds the judge's own segments in a batch and has memory bring their
// connections: first all places in the tables, then all connections. Each
// loop's misses overlap; taken one by one they would be most of the judge's
// time.
func (j *judge) fetch(b *batch) (n int) {
	for i := range b.n {
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
		if f := j.parts[partitionOf(b.tuple[j.own[k]])].table.near(j.hash[k]); f != nil {
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

// partition is a fixed share of the connections, with bounds of its own.
type partition struct {
	options *Options
	table   table
	opens   fsm.Kinds // what starts a watch, over all detectors
	watches []watches
	idle    []uint32 // free places in watches
	copies  copies
	bounds  bounds
	next    map[uint32]int64 // connections whose four-tuple was used again, and when
	fins    census
	dropped uint64    // connections evicted
	left    uint64    // connections that left after their time, live
	kept    []evicted // of both, those with findings
	now     int64     // latest segment
}

func newPartition(o *Options) *partition {
	p := &partition{options: o, bounds: newBounds(o.MaxFlows)}
	p.table.seed = seed{rand.Uint64(), rand.Uint64()}
	for _, d := range o.Detectors {
		p.opens |= d.Opens
	}
	return p
}

// take applies one segment to its connection, and returns that.
func (p *partition) take(seg *reassembly.Segment, ord uint64, hash uint32, print uint64, ev *fsm.Events) *flow {
	p.now = max(p.now, seg.At)
	key, fromLo := reassembly.KeyOf(seg)
	i, f := p.locate(seg, &key, fromLo, hash, print, ord)
	side := f.conn.SideOf(fromLo)
	if p.copies.isCopy(f, seg, print) {
		f.conn.Copied()
		return f
	}
	f.fresh = true
	if f.watch != 0 {
		p.wake(f, seg.At)
	}
	f.conn.Step(seg, side, ev)
	if ev.Kinds&p.opens != 0 || f.watch != 0 {
		p.tell(i, f, ev)
	}
	if !f.closed && f.conn.Over() {
		f.closed = true
		p.bounds.close(i, &p.table)
	}
	if follow := p.options.Follow; follow != nil {
		follow.note(f, seg, side, ev, p.options.Settings.TimeWait)
	}
	return f
}

// locate finds the connection that the segment belongs to, or begins it. The
// copy of a stray belongs where the stray did, also through another tunnel.
func (p *partition) locate(seg *reassembly.Segment, key *reassembly.Key, fromLo bool, hash uint32, print, ord uint64) (uint32, *flow) {
	first, next, ok := p.table.find(key, hash, hash)
	if !ok {
		return p.begin(seg, hash, ord)
	}
	f := p.table.flow(first)
	if _, _, more := p.table.find(key, hash, next); !more {
		if p.belongs(f, seg, fromLo) || p.copies.remembers(seg, print) {
			p.spoke(first)
			return first, f
		}
	} else if i, best := p.choose(seg, key, hash, fromLo); best != nil {
		p.spoke(i)
		return i, best
	}
	if seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN {
		p.reused(key, hash, fromLo, seg.At)
	}
	p.thin(key, hash)
	return p.begin(seg, hash, ord)
}

// maxChain is how many connections of one four-tuple are held. Each segment of
// the four-tuple looks at all of them, and nobody may make that long by
// choosing the same ports over and over.
const maxChain = 64

// thin makes room for one more connection of the four-tuple: the oldest leaves.
func (p *partition) thin(key *reassembly.Key, hash uint32) {
	var oldest *flow
	var oldestI uint32
	n := 0
	for i, next, ok := p.table.find(key, hash, hash); ok; i, next, ok = p.table.find(key, hash, next) {
		if f := p.table.flow(i); oldest == nil || f.ordinal < oldest.ordinal {
			oldest, oldestI = f, i
		}
		n++
	}
	if n < maxChain {
		return
	}
	e := detectors.Ending{At: p.now, Why: detectors.Dropped}
	at, replaced := p.next[oldestI]
	if replaced {
		e = detectors.Ending{At: max(at, oldest.conn.Last()), Why: detectors.Replaced}
	}
	p.release(oldestI, e, !replaced && !oldest.closed)
	p.dropped++
}

// belongs says whether the segment is one of the only connection with its
// four-tuple. A SYN must fit its opening. Anything else does, unless it comes
// through another tunnel, or after the end, and from a sequence space of its own.
func (p *partition) belongs(f *flow, seg *reassembly.Segment, fromLo bool) bool {
	c := &f.conn
	side := c.SideOf(fromLo)
	switch {
	case seg.Flags&reassembly.SYN != 0:
		return c.Expects(seg, side) || seg.Flags&reassembly.ACK != 0 && !c.Over() && seg.Tunnel == c.Tunnel() && !c.Echoes(seg, side)
	case seg.Tunnel != c.Tunnel() || c.Over() && seg.Flags&reassembly.RST == 0:
		_, ok := c.Distance(seg, side)
		return ok
	case c.Echoes(seg, side): // behind a firewall that gave it other numbers
		_, ok := c.Distance(seg, side)
		return ok
	}
	return true
}

// choose finds the one of several connections with the same four-tuple that the
// segment lies nearest to: they follow one another, or run side by side in two
// VLANs, or before and behind a firewall that rewrites sequence numbers.
func (p *partition) choose(seg *reassembly.Segment, key *reassembly.Key, hash uint32, fromLo bool) (uint32, *flow) {
	var (
		best, newest   *flow
		bestI, newestI uint32
		least          uint64
	)
	for i, next, ok := p.table.find(key, hash, hash); ok; i, next, ok = p.table.find(key, hash, next) {
		f := p.table.flow(i)
		side := f.conn.SideOf(fromLo)
		if newest == nil || f.ordinal > newest.ordinal {
			newest, newestI = f, i
		}
		if seg.Flags&reassembly.SYN != 0 && !f.conn.Expects(seg, side) {
			continue
		}
		d, fits := f.conn.Distance(seg, side)
		if fits && (best == nil || d < least || d == least && f.ordinal > best.ordinal) {
			best, bestI, least = f, i, d
		}
	}
	if best == nil && seg.Flags&reassembly.SYN == 0 {
		return newestI, newest // a stray of the one that runs now
	}
	return bestI, best
}

// begin adds a connection.
func (p *partition) begin(seg *reassembly.Segment, hash uint32, ord uint64) (uint32, *flow) {
	if p.table.count >= p.bounds.flows {
		p.evict()
	}
	i, f := p.table.add(hash)
	f.ordinal = ord
	f.conn.Begin(seg)
	if follow := p.options.Follow; follow != nil {
		follow.begin(f)
	}
	return i, f
}

// reused notes that a SYN took the four-tuple for a new connection: unless the
// older ones speak again, their record ends here.
func (p *partition) reused(key *reassembly.Key, hash uint32, fromLo bool, at int64) {
	for i, next, ok := p.table.find(key, hash, hash); ok; i, next, ok = p.table.find(key, hash, next) {
		c := &p.table.flow(i).conn
		c.Challenged(c.SideOf(fromLo))
		if _, is := p.next[i]; !is {
			if p.next == nil {
				p.next = map[uint32]int64{}
			}
			p.next[i] = at
		}
	}
}

// spoke notes that a connection goes on, whatever used its four-tuple.
func (p *partition) spoke(i uint32) {
	if p.next != nil {
		delete(p.next, i)
	}
}

// census counts FINs over the whole capture: a capture that never shows an
// acknowledgment of any proves nothing about one.
type census struct{ sent, acked [2]uint64 }

func (c *census) count(conn *fsm.Conn) {
	for side := range reassembly.Side(2) {
		h := conn.Half(side)
		if h.Phase < fsm.Shut {
			continue
		}
		rank := conn.FINRank(side)
		c.sent[rank]++
		if h.Phase == fsm.Done {
			c.acked[rank]++
		}
	}
}

func (c *census) add(d *census) {
	for rank := range c.sent {
		c.sent[rank] += d.sent[rank]
		c.acked[rank] += d.acked[rank]
	}
}

// ending is how the record of a connection stops at the end of the trace.
func (p *partition) ending(i uint32, f *flow, t *tally, end int64) detectors.Ending {
	e := detectors.Ending{At: t.endOf(f.conn.Last(), end)}
	if at, is := p.next[i]; is && at <= e.At { // frames are not always in order
		e = detectors.Ending{At: max(at, f.conn.Last()), Why: detectors.Replaced}
	}
	return e
}
