package flow

import (
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// How much later a duplicate may be captured, in microseconds: whatever it is, within
// fsm.DuplicateTime. With the same IPv4 ID of a host that counts them up, what comes later
// is no retransmission, either: on another way through the network it has another TTL.
const (
	duplicateTime = uint32(fsm.DuplicateTime / time.Microsecond)
	sameTTLTime   = uint32(50 * time.Millisecond / time.Microsecond)
	otherTTLTime  = uint32(2 * time.Second / time.Microsecond)
)

// mostCopies is of how many places, at most, a capture may hold every packet; what it holds more often, a program sends again and again,
// with all numbers the same.
const mostCopies = 16

// lateTime is how much later a duplicate with the same IPv4 ID may come.
func lateTime(ttl, other uint8) uint32 {
	if ttl != other {
		return otherTTLTime
	}
	return sameTTLTime
}

// minBuckets is how many buckets of frames a table remembers at first to recognise
// duplicates by, and maxBuckets at the most: with one connection in 64, that is two
// milliseconds of eight million frames a second, and of 250 million.
const (
	minBuckets = 64
	maxBuckets = minBuckets << 5
)

// duplicates recognises frames that the capture holds more than once. It is a small
// cache, which grows where it has found duplicates and a frame falls out that is not
// old enough yet. What falls out of it counts as sent.
type duplicates struct {
	buckets []bucket
	recent  uint32 // microseconds after which a frame may fall out without making the cache grow; 0 until a duplicate was found
	larges  larges
}

// A bucket is the last frames whose fingerprints share it, the latest first. It fits a cache line.
type bucket [4]entry

// An entry is what is remembered of a frame, in 16 bytes.
type entry struct {
	print uint32 // of all that duplicates have in common
	at    uint32 // microseconds modulo 2^32
	path  uint32 // link-layer addresses and tunnel, mixed: duplicates may differ in these
	ipid  uint16
	ttl   uint8 // and in this
	more  uint8 // more of the print, which names the bucket once there are more of them; never 0
}

// check says whether the frame was captured before, and remembers it if not.
// Duplicates carry the same IPv4 ID. Where there is none (IPv6, ID 0), they differ in
// link-layer addresses, tags or TTL (see fsm.MayFollow), or the connection doubles most of its frames;
// else the frame counts as sent, and is Alike. What a router held up differs in both, see hop.
//
// Between two interfaces or files, which may be taps, no time limit would apply.
//
// mayRepeat is what [fsm.Conn.MayRepeat] says of the segment.
func (d *duplicates) check(f *Flow, seg *reassembly.Segment, side reassembly.Side, print uint64, mayRepeat bool) Marks {
	here := d.bucket(print)
	if d.recent == 0 && !mayRepeat && !here.mayHold(uint32(print>>32)) { // nearly always
		here.first().set(seg, print)
		return 0
	}
	return d.compare(here, f, seg, side, print)
}

// compare is check where something is like the frame.
func (d *duplicates) compare(here *bucket, f *Flow, seg *reassembly.Segment, side reassembly.Side, print uint64) Marks {
	seen := entryOf(seg, print)
	stamped := seg.Opts.Has&reassembly.HasTimestamps != 0
	retry := seg.IsRetry() && (seg.SeqLen() > 0 || seg.IPID != 0)
	e := here.find(&seen, retry)
	if e == nil && stamped {
		if e = here.hop(&seen); e != nil {
			d.recent = max(d.recent, otherTTLTime) // the next may come as late
			e.at = seen.at
			f.duplicates++
			return Duplicate
		}
	}
	switch {
	case e == nil && seg.Len > 0 && d.offloaded(f, seg, side), e != nil && d.late(f, e, &seen, side, stamped, retry), recordedCall(f, seg, side):
		d.recent = max(d.recent, duplicateTime)
		f.duplicates++
		return Duplicate
	case e == nil || apart(e.at, seen.at) > duplicateTime:
		if e == nil && seg.Len > 0 && f.Conn.Repeats(seg, side) && f.Conn.NumberedBefore(seg, side) { // of what, has been forgotten
			d.recent = max(d.recent, sameTTLTime)
		}
		if d.recent > 0 && len(d.buckets) < maxBuckets && here[len(here)-1].within(d.recent, &seen) {
			d.grow()
			here = d.bucket(print)
		}
		*here.first() = seen
		return 0
	}
	sent := f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B)
	f.alike++
	if seen.ipid != 0 || seen.path != e.path || seen.ttl != e.ttl && fsm.MayFollow(e.ttl, seen.ttl) || 2*uint64(f.alike) > sent {
		d.recent = max(d.recent, duplicateTime)
		f.duplicates++
		return Duplicate
	}
	return Alike
}

// late says whether the frame, which has the same IPv4 ID as one longer than duplicateTime
// ago, is another capture of that. A host that sends again with the same ID is not trusted
// any more. If it is stamped with a time of the sender (RFC 7323 3), the same ID with the same
// time is the same packet: some files have one over and over again. So is a retry of the link layer, whatever its IDs show.
func (d *duplicates) late(f *Flow, e, seen *entry, side reassembly.Side, stamped, retry bool) bool {
	ago, limit := apart(e.at, seen.at), lateTime(e.ttl, seen.ttl)
	if retry && ago <= sameTTLTime {
		d.recent = max(d.recent, sameTTLTime) // the next may come as late again
		e.at = seen.at
		return true
	}
	if ago <= duplicateTime {
		return false
	}
	if stamped {
		limit = otherTTLTime
	}
	if ago > limit || uint64(f.duplicates) >= mostCopies*(f.Conn.Packets(reassembly.A)+f.Conn.Packets(reassembly.B)) {
		f.marks |= reusesIDOfA << side
	}
	if !f.countsIDs(side) {
		return false
	}
	d.recent = max(d.recent, limit)
	e.at = seen.at // the next may come as late again
	return true
}

// isReplay reports whether the segment is one that the connection had long before, captured again as
// its recording was replayed.
func (f *Flow) isReplay(seg *reassembly.Segment, side reassembly.Side) bool {
	if f.Conn.Replays(seg, side) {
		f.marks |= replayed
	}
	if f.marks&replayed == 0 || !f.Conn.Sent(seg, side) {
		return false
	}
	f.duplicates++
	return true
}

// countsIDs reports whether the side counts the IPv4 IDs of its packets up, so that the same
// again is the same packet.
func (f *Flow) countsIDs(side reassembly.Side) bool {
	return f.marks&(reusesIDOfA<<side) == 0 && f.Conn.CountsIDs(side)
}

// remembers reports whether a frame like this one was captured just before.
func (d *duplicates) remembers(seg *reassembly.Segment, print uint64) bool {
	seen := entryOf(seg, print)
	e := d.bucket(print).find(&seen, false)
	return e != nil && apart(e.at, seen.at) <= duplicateTime
}

// micros is the segment's time in microseconds modulo 2^32.
func micros(seg *reassembly.Segment) uint32 { return uint32(seg.At / int64(time.Microsecond)) }

// apart is how far two such times lie apart: captures are not always in order.
func apart(a, b uint32) uint32 { return min(a-b, b-a) }

// pathOf is the segment's link-layer addresses and tunnel, mixed.
func pathOf(seg *reassembly.Segment) uint32 {
	return seg.LinkAddresses() ^ bits.RotateLeft32(seg.Tunnel, 16)
}

func entryOf(seg *reassembly.Segment, print uint64) (e entry) {
	e.set(seg, print)
	return e
}

// set makes e what is remembered of the frame.
func (e *entry) set(seg *reassembly.Segment, print uint64) {
	e.print, e.at, e.path = uint32(print>>32), micros(seg), pathOf(seg)
	e.ipid, e.ttl, e.more = seg.IPID, seg.TTL, 1|uint8(print/minBuckets)<<1
}

// find returns the entry that the frame may be a duplicate of, nil if there is none. retry says that the link layer sent it again.
func (b *bucket) find(seen *entry, retry bool) *entry {
	for i := range b {
		if b[i].resembles(seen, retry) {
			return &b[i]
		}
	}
	return nil
}

// hop returns the entry that the frame, without an IPv4 ID, is a duplicate of behind a router, which has lowered its TTL and sent it from
// another address of the link: it may have waited there, for ARP. Both carry the same timestamps, and no host waits for a retransmission
// as long as its clock stands still, and lowers its TTL.
func (b *bucket) hop(seen *entry) *entry {
	for i := range b {
		if e := &b[i]; e.print == seen.print && e.ipid == 0 && seen.ipid == 0 && seen.ttl < e.ttl && seen.path != e.path && e.within(otherTTLTime, seen) {
			return e
		}
	}
	return nil
}

// mayHold reports whether there is an entry of such a frame, or was long ago.
func (b *bucket) mayHold(print uint32) bool {
	return b[0].print == print || b[1].print == print || b[2].print == print || b[3].print == print
}

// first makes room for an entry before all others, and forgets the last. It costs less than
// copy, which calls memmove.
func (b *bucket) first() *entry {
	b[3] = b[2]
	b[2] = b[1]
	b[1] = b[0]
	return &b[0]
}

// resembles reports whether one of two frames may be a duplicate of the other.
func (e *entry) resembles(o *entry, retry bool) bool {
	return e.print == o.print && e.ipid == o.ipid && (e.within(duplicateTime, o) || e.ipid != 0 && e.within(otherTTLTime, o) || retry && e.within(sameTTLTime, o))
}

// within reports whether the two frames were captured within so many microseconds.
func (e *entry) within(limit uint32, o *entry) bool {
	return e.more != 0 && apart(e.at, o.at) <= limit
}

// bucket is where frames of this fingerprint are remembered.
func (d *duplicates) bucket(print uint64) *bucket {
	return &d.buckets[print&uint64(len(d.buckets)-1)]
}

// grow makes two buckets of each.
func (d *duplicates) grow() {
	n := len(d.buckets)
	bit := uint8(n/minBuckets) << 1
	all := make([]bucket, 2*n)
	for i := range d.buckets {
		var next [2]int
		for _, e := range d.buckets[i] {
			half := 0
			if e.more&bit != 0 {
				half = 1
			}
			all[i+half*n][next[half]] = e
			next[half]++
		}
	}
	d.buckets = all
}

// reset forgets all frames.
func (d *duplicates) reset() {
	*d = duplicates{buckets: d.buckets[:minBuckets]}
	clear(d.buckets)
}
