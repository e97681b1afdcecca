package taps

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// injected are segments that the far tap saw and the near one did not, though it was
// capturing, and that do not fit the host that they claim to come from. If they fit,
// the near tap missed them: fit counts these.
func (c *crossing) injected(w *way, side int) (all []result.TapFrame, fit int) {
	s := c.scan
	near, until := c.points[c.tap[c.nearTap[side]]].Trace, c.comparedUntil(c.tap[c.nearTap[side]])
	known := 0
	for _, taken := range w.taken {
		if taken {
			known++
		}
	}
	if known == 0 {
		return nil, 0
	}
	for j := range w.far {
		if w.taken[j] || w.twice[j] {
			continue
		}
		left, margin := s.leftAt(w, j), w.largest-w.least
		if left < near.First+margin || left > min(near.End, until)-margin {
			continue
		}
		if !s.fits(w, j) {
			all = append(all, c.tapFrame(w.far[j], c.tap[1-c.nearTap[side]]))
		} else {
			fit++
		}
	}
	return all, fit
}

// leftAt is about when a far record left the near tap.
func (s *scan) leftAt(w *way, j int) int64 {
	at := s.records[w.far[j]].at
	left := at - w.median
	if w.joined {
		later, _ := w.laterFar(at)
		left -= later
	}
	return left
}

// maxIDGap is how far the IP ID of a segment may be from that before it: a host sends
// to others as well.
const maxIDGap = 1000

// fits reports whether a segment of the far tap could come from the host that sent the
// others: by its TTL, its IP ID between theirs, and its timestamp.
func (s *scan) fits(w *way, j int) bool {
	r := &s.records[w.far[j]]
	var before *record
	ttls, stamped, counts, n := 0, 0, 0, 0
	var last *record
	for k := range w.far {
		o := &s.records[w.far[k]]
		if !w.taken[k] {
			continue
		}
		n++
		if o.ttl == r.ttl {
			ttls++
		}
		if o.has&reassembly.HasTimestamps != 0 {
			stamped++
		}
		if last != nil && o.ipid != 0 && o.ipid-last.ipid <= maxIDGap && o.ipid != last.ipid {
			counts++
		}
		last = o
		if k < j {
			before = o
		}
	}
	countsIDs := n > 2 && 4*counts >= 3*(n-1)
	switch {
	case ttls == 0:
		return false
	case countsIDs && r.ipid != 0 && before != nil && min(r.ipid-before.ipid, before.ipid-r.ipid) > maxIDGap:
		return false
	case stamped == n && r.has&reassembly.HasTimestamps != 0:
		const far = 1 << 24 // hours, of any clock
		if before != nil && min(r.tsval-before.tsval, before.tsval-r.tsval) > far {
			return false
		}
	case stamped == n && r.flags&(reassembly.RST|reassembly.SYN) == 0:
		return false // RFC 7323 3.2: once negotiated, every segment has it
	}
	return true
}

// rewritten names what the path changed.
func (c *crossing) rewritten(ways [2]*way) (names []string) {
	s := c.scan
	for side, name := range [2]string{"a", "b"} {
		at := side
		if c.flip {
			at = 1 - side
		}
		one, other := c.row[0].End[side], c.row[1].End[at]
		if one.Addr != other.Addr {
			names = append(names, name+".address")
		}
		if one.Port != other.Port {
			names = append(names, name+".port")
		}
	}
	if c.shift != [2]uint32{} {
		names = append(names, "isn")
	}
	var mss, scale, sack, stamps, bits, flags bool
	for _, w := range ways {
		for i, j := range w.partner {
			if j < 0 || w.pieces[int32(i)] > 0 || w.joinedLarge[j] {
				continue
			}
			r, o := &s.records[w.near[i]], &s.records[w.far[j]]
			differ := r.has ^ o.has
			if r.flags&reassembly.SYN != 0 {
				mss = mss || r.mss != o.mss
				scale = scale || differ&reassembly.HasScale != 0 || r.scale != o.scale
				sack = sack || differ&reassembly.HasSACKPermitted != 0
			}
			stamps = stamps || differ&reassembly.HasTimestamps != 0 || r.tsval != o.tsval || r.tsecr != o.tsecr
			bits = bits || (r.flags^o.flags)&ecn != 0
			flags = flags || (r.flags^o.flags)&^ecn != 0
		}
	}
	for _, x := range []struct {
		is   bool
		name string
	}{{mss, "mss"}, {scale, "scale"}, {sack, "sack"}, {stamps, "timestamps"}, {bits, "ecn"}, {flags, "flags"}} {
		if x.is {
			names = append(names, x.name)
		}
	}
	return names
}
