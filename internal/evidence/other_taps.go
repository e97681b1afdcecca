package evidence

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An otherTap is what another tap saw of a bundle's connection: its frames are kept
// beside those that prove the finding, on an interface of their own.
type otherTap struct {
	key         reassembly.Key
	tap         uint8
	first, last int64
}

// addOtherTaps adds what the other taps saw of the finding's connection, and what its
// evidence is called there.
func (b *bundle) addOtherTaps(r *result.Report) {
	f := b.finding
	n, is := slices.BinarySearchFunc(r.Flows, f.Flow.ID, func(row result.Flow, id uint64) int { return cmp.Compare(row.ID, id) })
	if !is {
		return
	}
	own := f.Evidence[0].Seg.Tap
	for i := range r.Flows[n].Taps {
		t := &r.Flows[n].Taps[i]
		if uint8(t.Tap) == own {
			continue
		}
		key, _ := reassembly.KeyOf(&reassembly.Segment{Src: t.End[0], Dst: t.End[1]})
		b.otherTaps = append(b.otherTaps, otherTap{key: key, tap: uint8(t.Tap), first: t.First, last: t.Last})
	}
	if f.Ladder == nil {
		return
	}
	for i := range f.Ladder.Rows {
		g := &f.Ladder.Rows[i]
		for k, id := range g.Frame {
			if p := b.proof[id]; p != nil && g.Frame[1-k].Frame != 0 && b.proof[g.Frame[1-k]] == nil {
				b.elsewhere[g.Frame[1-k]] = p.role + ", seen here as well"
			}
		}
		if g.Word == "lost" {
			for _, id := range g.Frame {
				if id.Frame != 0 && b.proof[id] == nil {
					b.elsewhere[id] = "lost on its way to the other tap"
				}
			}
		}
	}
}

// sees reports whether a segment of another tap is the connection's.
func (b *bundle) sees(seg *reassembly.Segment, key *reassembly.Key) bool {
	for i := range b.otherTaps {
		if s := &b.otherTaps[i]; s.tap == seg.Tap && s.key == *key {
			return seg.At >= s.first && seg.At <= s.last && b.frames < b.o.MaxFrames
		}
	}
	return false
}
