package flow

import (
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// duplicateTime is fsm.DuplicateTime in microseconds.
const duplicateTime = uint32(fsm.DuplicateTime / time.Microsecond)

// minBuckets is how many buckets of frames a table remembers at first to recognise
// duplicates by, and maxBuckets at the most: with one connection in 64, that is two
// milliseconds of eight million frames a second, and of 250 million.
const (
	minBuckets = 64
	maxBuckets = minBuckets << 5
)

// duplicates recognises frames that the capture holds more than once. It is a small
// cache, which grows where it has found duplicates and a frame falls out that is not
// duplicateTime old yet. What falls out of it counts as sent.
type duplicates struct {
	buckets []bucket
	found   bool
}

// A bucket is the last frames whose fingerprints share it, the latest first. It fits a cache line.
type bucket [4]entry

// An entry is what is remembered of a frame, in 16 bytes.
type entry struct {
	print uint32 // of all that duplicates have in common
	at    uint32 // microseconds modulo 2^32
	where uint32 // link-layer addresses and tunnel, mixed: duplicates may differ in these
	ipid  uint16
	ttl   uint8 // and in this
	more  uint8 // more of the print, which names the bucket once there are more of them; never 0
}

// check says whether the frame was captured before, and remembers it if not.
// Duplicates carry the same IPv4 ID. Where there is none (IPv6, ID 0), they differ in
// link-layer addresses, tags or TTL, or the connection doubles most of its frames;
// else the frame counts as sent, and is Alike.
func (d *duplicates) check(f *Flow, seg *reassembly.Segment, print uint64) Marks {
	here, seen := d.bucket(print), entryOf(seg, print)
	e := here.find(&seen)
	if e == nil {
		if d.found && len(d.buckets) < maxBuckets && here[len(here)-1].recent(&seen) {
			d.grow()
			here = d.bucket(print)
		}
		here.add(seen)
		return 0
	}
	sent := f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B)
	f.alike++
	if seen.ipid != 0 || seen.where != e.where || seen.ttl != e.ttl || 2*uint64(f.alike) > sent {
		d.found = true
		f.duplicates++
		return Duplicate
	}
	return Alike
}

// remembers reports whether a frame like this one was captured just before.
func (d *duplicates) remembers(seg *reassembly.Segment, print uint64) bool {
	seen := entryOf(seg, print)
	return d.bucket(print).find(&seen) != nil
}

func entryOf(seg *reassembly.Segment, print uint64) entry {
	return entry{uint32(print >> 32), uint32(seg.At / int64(time.Microsecond)), seg.Link ^ bits.RotateLeft32(seg.Tunnel, 16), seg.IPID, seg.TTL, 1 | uint8(print/minBuckets)<<1}
}

// find returns the entry that the frame may be a duplicate of, nil if there is none.
func (b *bucket) find(seen *entry) *entry {
	for i := range b {
		if b[i].resembles(seen) {
			return &b[i]
		}
	}
	return nil
}

// add puts an entry first, and forgets the last. It costs less than copy, which
// calls memmove.
func (b *bucket) add(e entry) {
	b[3] = b[2]
	b[2] = b[1]
	b[1] = b[0]
	b[0] = e
}

// resembles reports whether one of two frames may be a duplicate of the other.
func (e *entry) resembles(o *entry) bool {
	return e.print == o.print && e.ipid == o.ipid && e.recent(o)
}

// recent reports whether the two frames were captured within duplicateTime.
func (e *entry) recent(o *entry) bool {
	return e.more != 0 && o.at-e.at+duplicateTime <= 2*duplicateTime
}

// bucket is where frames of this fingerprint are remembered.
func (d *duplicates) bucket(print uint64) *bucket {
	if d.buckets == nil {
		d.buckets = make([]bucket, minBuckets)
	}
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
	*d = duplicates{buckets: d.buckets[:min(len(d.buckets), minBuckets)]}
	clear(d.buckets)
}
