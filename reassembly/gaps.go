package reassembly

// maxGaps bounds how many holes one direction remembers. A sender with more
// holes in flight than this has the closest two taken as one, which can only
// make a capture look worse than it was, never better.
const maxGaps = 2

// gaps are the stretches below NXT that the tap has not seen: sorted, disjoint,
// not empty.
type gaps struct {
	g [maxGaps]Block
	n uint8
}

// open notes that [from, to) was skipped; from is at or after every gap.
func (s *gaps) open(from, to Seq) {
	if s.n == maxGaps || s.n > 0 && s.g[s.n-1].To == from {
		s.g[s.n-1].To = to
		return
	}
	s.g[s.n] = Block{from, to}
	s.n++
}

// fill notes that [from, to) was seen after all and reports whether any of it
// lay in a gap.
func (s *gaps) fill(from, to Seq) bool {
	hit := false
	for i := 0; i < int(s.n); {
		g := s.g[i]
		if !from.Before(g.To) || !g.From.Before(to) {
			i++
			continue
		}
		hit = true
		left, right := g.From.Before(from), to.Before(g.To)
		switch {
		case left && right && s.n == maxGaps:
			return hit // no room to split: the gap stays whole
		case left && right:
			copy(s.g[i+2:], s.g[i+1:s.n])
			s.g[i].To = from
			s.g[i+1] = Block{to, g.To}
			s.n++
			return hit
		case left:
			s.g[i].To = from
			i++
		case right:
			s.g[i].From = to
			i++
		default:
			copy(s.g[i:], s.g[i+1:s.n])
			s.n--
		}
	}
	return hit
}

// below reports whether some gap begins before seq.
func (s *gaps) below(seq Seq) bool { return s.n > 0 && s.g[0].From.Before(seq) }

// has reports whether seq lies in a gap.
func (s *gaps) has(seq Seq) bool {
	for _, g := range s.g[:s.n] {
		if g.From.AtOrBefore(seq) && seq.Before(g.To) {
			return true
		}
	}
	return false
}

// dropBelow forgets the gaps that end at or before seq and reports whether
// there were any.
func (s *gaps) dropBelow(seq Seq) bool {
	k := 0
	for k < int(s.n) && s.g[k].To.AtOrBefore(seq) {
		k++
	}
	if k > 0 {
		copy(s.g[:], s.g[k:s.n])
		s.n -= uint8(k)
	}
	return k > 0
}
