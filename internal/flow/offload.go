package flow

import (
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A host whose network card splits segments (TSO, GSO) or joins them (GRO) may be captured
// on both sides of that: a large segment, and the wire segments cut from it, which count
// their IPv4 IDs up from the same first one. All of them are one transmission. Kernels cut
// into equal pieces, all but the last (tcp_gso_segment), and join nothing else
// (tcp_gro_receive).

// largeBuckets is how many buckets of large segments are remembered.
const largeBuckets = 64

// larges remembers the latest large segments. It is allocated with the first.
type larges *[largeBuckets][4]large

// A large is a segment that the wire cannot have had.
type large struct {
	seq  reassembly.Seq
	size uint32 // in sequence numbers; 0 in an empty entry
	at   uint32 // microseconds modulo 2^32
	path uint32 // see pathOf
	ipid uint16
	ttl  uint8
}

func largeOf(seg *reassembly.Segment) large {
	return large{seg.Seq, seg.SeqLen(), micros(seg), pathOf(seg), seg.IPID, seg.TTL}
}

// offloaded says whether the frame shows payload which was captured before, on the other
// side of segmentation offload; and remembers it if others may.
func (d *duplicates) offloaded(f *Flow, seg *reassembly.Segment, side reassembly.Side) bool {
	repeats := f.Conn.Repeats(seg, side)
	isLarge := f.Conn.IsOversize(seg, side)
	if !repeats && !isLarge {
		return false
	}
	key := Tuple(seg) ^ uint64(seg.Src.Port)
	if d.larges == nil {
		if !isLarge {
			return false
		}
		d.larges = new([largeBuckets][4]large)
	}
	here := &d.larges[key%largeBuckets]
	if repeats {
		for i := range here {
			if here[i].cutInto(seg, f, side) {
				return true
			}
		}
		if last := f.Conn.View().Last(side); isLarge && last.Len > 0 {
			piece := last.Segment(seg.Src, seg.Dst)
			piece.Link, piece.Tunnel = seg.Link, seg.Tunnel
			if l := largeOf(seg); l.cutInto(&piece, f, side) {
				return true
			}
		}
	}
	if isLarge {
		copy(here[1:], here[:])
		here[0] = largeOf(seg)
	}
	return false
}

// cutInto reports whether the segment is a wire segment of the large one.
func (l *large) cutInto(seg *reassembly.Segment, f *Flow, side reassembly.Side) bool {
	offset := uint32(seg.Seq - l.seq)
	if n := seg.SeqLen(); offset >= l.size || n >= l.size || n > l.size-offset {
		return false
	}
	apart := apart(l.at, micros(seg))
	if l.ipid == 0 || seg.IPID == 0 {
		return l.ipid == seg.IPID && apart <= duplicateTime && (l.path != pathOf(seg) || l.ttl != seg.TTL)
	}
	if apart > duplicateTime && !(apart <= lateTime(l.ttl, seg.TTL) && f.countsIDs(side)) {
		return false
	}
	k := uint32(seg.IPID - l.ipid) // how many come before it
	switch last := offset+seg.SeqLen() == l.size; {
	case k == 0:
		return offset == 0 || f.countsIDs(side) // a card may give all the same ID
	case last:
		return offset%k == 0 && offset/k >= max(seg.Len, f.Conn.LeastFull())
	default:
		return offset == k*seg.Len
	}
}
