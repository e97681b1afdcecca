package reassembly

import "math"

// maxGaps is how many holes one direction remembers: as many as a sender that loses one
// segment in fifty has in a window of a megabyte. What is skipped beyond them is not
// remembered as a hole, and the stream says so (Overflowed).
const maxGaps = 32

// ownGaps is how many holes a stream has room for itself: connections that behave never
// have more.
const ownGaps = 2

// gaps are the stretches below NXT that the tap has not seen: sorted, disjoint, not
// empty. The first and the last are in own, those in between in a table of Gaps.
type gaps struct {
	own   [ownGaps]Block
	table uint16 // its number, from 1; 0 while there are at most ownGaps
	n     uint8
}

// Gaps holds what streams remember of their holes if they have more than two. It is
// apart from the streams, so that these stay small and without pointers. The zero value
// is ready; nil has room for none.
type Gaps struct {
	tables []gapTable
	unused []uint16
}

type gapTable [maxGaps - ownGaps]Block

// take returns the number of an unused table, 0 if there is none.
func (t *Gaps) take() uint16 {
	switch {
	case t == nil:
		return 0
	case len(t.unused) > 0:
		n := t.unused[len(t.unused)-1]
		t.unused = t.unused[:len(t.unused)-1]
		return n
	case len(t.tables) == math.MaxUint16:
		return 0
	}
	t.tables = append(t.tables, gapTable{})
	return uint16(len(t.tables))
}

// Reset makes all tables unused, for streams of another trace.
func (t *Gaps) Reset() { t.tables, t.unused = t.tables[:0], t.unused[:0] }

// list copies all holes into b.
func (s *gaps) list(t *Gaps, b *[maxGaps]Block) []Block {
	b[0] = s.own[0]
	if s.n > 1 {
		b[s.n-1] = s.own[1]
	}
	if s.n > ownGaps {
		copy(b[1:s.n-1], t.tables[s.table-1][:])
	}
	return b[:s.n]
}

// set replaces all holes. It reports whether there was room; if not, the stream has as
// many as it has room for itself.
func (s *gaps) set(t *Gaps, list []Block) (fits bool) {
	fits = true
	if len(list) <= ownGaps {
		s.release(t)
	} else if s.table == 0 {
		if s.table = t.take(); s.table == 0 {
			list, fits = list[:ownGaps], false
		}
	}
	s.n = uint8(len(list))
	switch {
	case s.n > ownGaps:
		copy(t.tables[s.table-1][:], list[1:s.n-1])
		fallthrough
	case s.n > 1:
		s.own[1] = list[s.n-1]
		fallthrough
	case s.n > 0:
		s.own[0] = list[0]
	}
	return fits
}

// release gives back the table, if there is one.
func (s *gaps) release(t *Gaps) {
	if s.table != 0 {
		t.unused = append(t.unused, s.table)
		s.table = 0
	}
}

// below reports whether some gap begins before seq.
func (s *gaps) below(seq Seq) bool { return s.n > 0 && s.own[0].From.Before(seq) }

// has reports whether seq lies in the first gap or the last.
func (s *gaps) has(seq Seq) bool {
	for _, g := range s.own[:min(s.n, ownGaps)] {
		if g.From.AtOrBefore(seq) && seq.Before(g.To) {
			return true
		}
	}
	return false
}

// opened adds a gap at or after all in the list, and reports whether there was room.
func opened(list []Block, g Block) (next []Block, fits bool) {
	n := len(list)
	switch {
	case n > 0 && list[n-1].To == g.From:
		list[n-1].To = g.To
		return list, true
	case n == maxGaps:
		return list, false
	}
	return append(list, g), true
}

// filled takes out of the gaps what was seen after all. hit reports whether any of it
// lay in a gap; fits, whether there was room if one became two.
func filled(list []Block, seen Block) (next []Block, hit, fits bool) {
	next = list[:0]
	for i, g := range list {
		left, right := g.From.Before(seen.From), seen.To.Before(g.To)
		switch {
		case !g.Meets(seen):
			next = append(next, g)
			continue
		case left && right: // no other meets it
			list[i].To = seen.From
			if len(list) == maxGaps {
				return list, true, false
			}
			list = append(list[:i+1], list[i:]...)
			list[i+1] = Block{seen.To, g.To}
			return list, true, true
		case left:
			next = append(next, Block{g.From, seen.From})
		case right:
			next = append(next, Block{seen.To, g.To})
		}
		hit = true
	}
	return next, hit, true
}

// behind is how many gaps of the list end before seq, or at it.
func behind(list []Block, seq Seq) (n int) {
	for n < len(list) && list[n].To.AtOrBefore(seq) {
		n++
	}
	return n
}
