package taps

// A host's large segments are cut by its network card (TSO, GSO), and those of its peer joined (GRO): of two taps, one may have
// a large segment where the other has the wire segments of it, which count their IP identifications up from the same first one.

// leastCut is the least payload of a piece that is not the last, in bytes.
const leastCut = 500

// numbered is where records are looked for: a connection's direction, and an IP identification.
type numbered struct {
	tuple uint32
	ipid  uint16
}

// cuts pairs the records of a side that have no partner alike: a large segment with each of its pieces, at the consistent distance
// of the others. In each pair the one that is first in the file comes first. n is how many records that are.
func (s *scan) cuts(u *unit, alike []doubling, side int, distance int64) (pairs []doubling, n int) {
	done := map[int32]bool{}
	for _, p := range alike {
		done[p.first], done[p.second] = true, true
	}
	at := map[numbered][]int32{}
	var alone []int32
	for _, k := range u.records {
		if r := &s.records[k]; !done[k] && r.side() == side && r.len > 0 && r.ipid != 0 {
			id := numbered{r.tuple, r.ipid}
			at[id] = append(at[id], k)
			alone = append(alone, k)
		}
	}
	clear(done)
	for _, k := range alone {
		r := &s.records[k]
		for before := uint32(0); before <= r.len/leastCut; before++ {
			best, off := int32(-1), int64(0)
			for _, j := range at[numbered{r.tuple, r.ipid + uint16(before)}] {
				o := &s.records[j]
				d := max(o.at-r.at, r.at-o.at)
				if far := max(d-distance, distance-d); o.isPiece(r, before) && consistent(d, distance) && (best < 0 || far < off) {
					best, off = j, far
				}
			}
			if best >= 0 {
				pairs = append(pairs, doubling{min(k, best), max(k, best)})
				done[k], done[best] = true, true
			}
		}
	}
	return pairs, len(done)
}

// isPiece reports whether the segment can be a piece of the whole before which n others come: all are of one size, but the last.
func (r *record) isPiece(whole *record, n uint32) bool {
	offset := uint32(r.seq - whole.seq)
	switch {
	case r.len >= whole.len || offset > whole.len-r.len || r.ack != whole.ack:
		return false
	case n == 0:
		return offset == 0 && r.len >= leastCut
	case offset+r.len == whole.len: // the last
		return offset%n == 0 && offset/n >= max(r.len, leastCut)
	}
	return offset == n*r.len && r.len >= leastCut
}
