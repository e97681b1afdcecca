package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// locate finds the connection that the segment belongs to, or begins it, and
// says whether its Lo end sent the segment.
func (p *partition) locate(seg *reassembly.Segment, hash, guess uint32, print, ord uint64) (i uint32, f *flow, fromLo bool) {
	if f, fromLo := p.table.guessed(guess, seg); f != nil && p.belongs(f, seg, fromLo) {
		p.spoke(guess - 1)
		return guess - 1, f, fromLo
	}
	key, fromLo := reassembly.KeyOf(seg)
	i, f = p.search(seg, &key, fromLo, hash, print, ord)
	return i, f, fromLo
}

// search is locate where the guess was wrong. The copy of a stray belongs where
// the stray did, also through another tunnel.
func (p *partition) search(seg *reassembly.Segment, key *reassembly.Key, fromLo bool, hash uint32, print, ord uint64) (uint32, *flow) {
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
		p.reused(key, hash, fromLo, seg)
	}
	p.thin(key, hash)
	f.shared = true
	i, heir := p.begin(seg, hash, ord)
	heir.shared = true
	return i, heir
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
	if best == nil && (seg.Flags&reassembly.SYN == 0 || newest.misanswered(seg, fromLo)) {
		return newestI, newest // a stray of the one that runs now
	}
	return bestI, best
}

// misanswered says whether the segment is a SYN-ACK that the peer of a connection
// may have sent, in answer to its SYN and with another acknowledgment.
func (f *flow) misanswered(seg *reassembly.Segment, fromLo bool) bool {
	c := &f.conn
	return seg.Flags&reassembly.ACK != 0 && c.AwaitsAnswer(c.SideOf(fromLo).Peer())
}

// reused notes that a SYN took the four-tuple for a new connection: unless the
// older ones speak again, their record ends here.
func (p *partition) reused(key *reassembly.Key, hash uint32, fromLo bool, seg *reassembly.Segment) {
	oldest := p.oldestWaiting(key, hash, fromLo)
	for i, next, ok := p.table.find(key, hash, hash); ok; i, next, ok = p.table.find(key, hash, next) {
		f := p.table.flow(i)
		_, again := p.next[i]
		if r := f.conn.ReusedBy(seg, f.conn.SideOf(fromLo), p.options.Settings.TimeWait); r.Is && (!p.reuse.Is || r.Last.At > p.reuse.Last.At) {
			c := &f.conn
			p.reuse, p.reusedOf = r, result.Predecessor{Conn: f.ordinal, First: c.First(), Frames: c.Packets(reassembly.A) + c.Packets(reassembly.B) + c.Copies()}
		}
		f.conn.Superseded(seg, f.conn.SideOf(fromLo), f == oldest && !again, &p.aside)
		p.tellAside(i, f, seg.At)
		if !again {
			if p.next == nil {
				p.next = map[uint32]int64{}
			}
			p.next[i] = seg.At
		}
	}
}

// oldestWaiting is the first connection of the four-tuple whose SYN, from the
// end that fromLo tells, is unanswered; nil if there is none.
func (p *partition) oldestWaiting(key *reassembly.Key, hash uint32, fromLo bool) (oldest *flow) {
	for i, next, ok := p.table.find(key, hash, hash); ok; i, next, ok = p.table.find(key, hash, next) {
		f := p.table.flow(i)
		if f.conn.AwaitsAnswer(f.conn.SideOf(fromLo)) && (oldest == nil || f.ordinal < oldest.ordinal) {
			oldest = f
		}
	}
	return oldest
}

// overheard has the latest connection of the four-tuple that waits for an
// answer hear what was said on an older one: an ACK that answered its SYN, or
// the RST that this drew.
func (p *partition) overheard(f *flow, seg *reassembly.Segment, fromLo bool, hash uint32, class fsm.Class) {
	var latest *flow
	var latestI uint32
	key := f.conn.Key()
	for i, next, ok := p.table.find(&key, hash, hash); ok; i, next, ok = p.table.find(&key, hash, next) {
		g := p.table.flow(i)
		opener, _ := g.conn.Opener()
		if g != f && g.conn.AwaitsAnswer(opener) && (latest == nil || g.ordinal > latest.ordinal) {
			latest, latestI = g, i
		}
	}
	if latest == nil {
		return
	}
	latest.conn.Overhears(seg, latest.conn.SideOf(fromLo), class, &p.aside)
	p.tellAside(latestI, latest, seg.At)
}

// outlived takes the first SYN or SYN-ACK of a side in a connection: of older ones
// on the four-tuple it has nothing left.
func (p *partition) outlived(f *flow, seg *reassembly.Segment, fromLo bool, hash uint32) {
	key := f.conn.Key()
	for i, next, ok := p.table.find(&key, hash, hash); ok; i, next, ok = p.table.find(&key, hash, next) {
		if g := p.table.flow(i); g.ordinal < f.ordinal {
			g.conn.Outlived(g.conn.SideOf(fromLo), seg)
		}
	}
}

// tellAside gives the events that another connection's segment brought to those
// who hear them.
func (p *partition) tellAside(i uint32, f *flow, at int64) {
	if p.aside.Kinds&p.opens == 0 && (f.watch == 0 || p.aside.Kinds == 0) {
		return
	}
	if f.watch != 0 {
		p.wake(f, at)
	}
	p.tell(i, f, &p.aside)
}

// spoke notes that a connection goes on, whatever used its four-tuple.
func (p *partition) spoke(i uint32) {
	if p.next != nil {
		delete(p.next, i)
	}
}
