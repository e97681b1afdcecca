package taps

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A span is a stretch of sequence space, as a distance from a base.
type span struct{ from, to int64 }

// spans are stretches in order that do not touch.
type spans struct {
	base  reassembly.Seq
	begun bool
	list  []span
}

// place is where a sequence number lies, unwrapped by what lies nearest.
func (s *spans) place(seq reassembly.Seq, near int64) int64 {
	if !s.begun {
		s.begun, s.base = true, seq
		return 0
	}
	return near + int64((s.base + reassembly.Seq(near)).To(seq))
}

// add adds a stretch.
func (s *spans) add(from, to int64) {
	i, _ := slices.BinarySearchFunc(s.list, from, func(x span, from int64) int { return cmp.Compare(x.to, from) })
	j := i
	for j < len(s.list) && s.list[j].from <= to {
		from, to = min(from, s.list[j].from), max(to, s.list[j].to)
		j++
	}
	if i == j {
		s.list = sorting.Insert(s.list, i, span{from, to})
		return
	}
	s.list[i] = span{from, to}
	s.list = append(s.list[:i+1], s.list[j:]...)
}

// without calls yield with the parts of a stretch that are not in s.
func (s *spans) without(from, to int64, yield func(from, to int64)) {
	i, _ := slices.BinarySearchFunc(s.list, from, func(x span, from int64) int { return cmp.Compare(x.to, from) })
	for ; i < len(s.list) && s.list[i].from < to; i++ {
		if s.list[i].from > from {
			yield(from, s.list[i].from)
		}
		from = max(from, s.list[i].to)
	}
	if from < to {
		yield(from, to)
	}
}

// holds reports whether so many bytes from seq on are all there.
func (s *spans) holds(seq reassembly.Seq, n uint32) bool {
	if !s.begun || n == 0 {
		return false
	}
	for _, x := range s.list {
		from := x.from + int64((s.base + reassembly.Seq(x.from)).To(seq))
		if from >= x.from && from+int64(n) <= x.to {
			return true
		}
	}
	return false
}

// ackedUnseen is what the far host acknowledged before the far tap had seen it: the
// tap missed that. Numbers are the far tap's.
func (c *crossing) ackedUnseen(w *way) *spans {
	s := c.scan
	seen, unseen := &spans{}, &spans{}
	edge, acked, any := int64(0), int64(0), false
	i, k := 0, 0
	for i < len(w.far) || k < len(w.back) {
		if k == len(w.back) || i < len(w.far) && w.far[i] < w.back[k] {
			r := &s.records[w.far[i]]
			i++
			if n := r.seqLen(); n > 0 {
				from := seen.place(r.seq, edge)
				seen.add(from, from+int64(n))
				edge = from
			}
			continue
		}
		r := &s.records[w.back[k]]
		k++
		if r.flags&(reassembly.ACK|reassembly.RST) != reassembly.ACK {
			continue
		}
		at := seen.place(r.ack, edge)
		if !any && r.flags&reassembly.SYN != 0 { // it acknowledges a SYN
			acked, any = at-1, true
		}
		if any && at > acked && at-acked < 1<<30 {
			seen.without(acked, at, unseen.add)
		}
		if !any || at > acked {
			acked, any = at, true
		}
		edge = max(edge, acked)
	}
	unseen.begun, unseen.base = seen.begun, seen.base
	return unseen
}

// twiceUnseen is what the far host's D-SACKs say to have arrived more often than the far tap had seen it (RFC 2883): the tap
// missed a copy. Numbers are the far tap's.
func (c *crossing) twiceUnseen(w *way) (all []reassembly.Block) {
	s, before := c.scan, []reassembly.Block(nil)
	if len(s.twice) == 0 {
		return nil
	}
	for _, k := range w.back {
		b, is := s.twice[k]
		if !is {
			continue
		}
		copies := 2 // that the tap must have seen: and one more for each earlier report
		for i := range before {
			if before[i].Meets(b) {
				copies++
			}
		}
		before = append(before, b)
		for i, _ := slices.BinarySearch(w.far, k); i > 0 && copies > 0; i-- { // the latest are nearly always the ones
			if s.records[w.far[i-1]].block(0).Holds(b) {
				copies--
			}
		}
		if copies > 0 {
			all = append(all, b)
		}
	}
	return all
}

// block is where a record's payload lies, that many bytes further on.
func (r *record) block(moved uint32) reassembly.Block {
	from := r.seq + reassembly.Seq(moved)
	return reassembly.Block{From: from, To: from + reassembly.Seq(r.len)}
}

// onlyOneMissed leaves of several sendings of the same bytes one that the far tap
// missed. Whether the others arrived as well is not known.
func (c *crossing) onlyOneMissed(w *way, fates []fate) {
	type bytes struct {
		seq reassembly.Seq
		len uint32
	}
	last := map[bytes]int{}
	for i, f := range fates {
		if f != missed {
			continue
		}
		r := &c.scan.records[w.near[i]]
		k := bytes{r.seq, r.seqLen()}
		if before, again := last[k]; again {
			fates[before] = undecided
		}
		last[k] = i
	}
}
