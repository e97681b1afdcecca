package taps

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// comparedUntil is the time of the last segment of a tap that is compared, if it has
// more: what comes later is neither lost nor injected, as nobody looked.
func (j *joiner) comparedUntil(tap int) int64 {
	if j.until == nil {
		j.until = make([]int64, len(j.Plan.points))
		for i := range j.until {
			j.until[i] = math.MaxInt64
		}
		for i := range j.scan.units {
			u := &j.scan.units[i]
			if !u.full {
				continue
			}
			taps := []int{j.unitTap[i]}
			if d := j.divided[i]; d != nil {
				taps = append(taps, d.other)
			}
			for _, at := range taps {
				j.until[at] = min(j.until[at], u.until)
			}
		}
	}
	return j.until[tap]
}

// pairLater pairs connections of which no segment is compared, because a tap has too
// many: by their endpoints and initial sequence numbers. The taps lie as they do for
// the last connection of the same hosts.
func (j *joiner) pairLater(p, q int) {
	if min(j.comparedUntil(p), j.comparedUntil(q)) == math.MaxInt64 {
		return
	}
	type opened struct {
		key reassembly.Key
		iss [2]reassembly.Seq // of Lo and Hi
	}
	name := func(f *result.Flow) opened {
		o := opened{f.Key, f.ISS}
		if f.End[reassembly.A] != f.Key.Lo {
			o.iss[0], o.iss[1] = o.iss[1], o.iss[0]
		}
		return o
	}
	type hosts struct{ a, b [16]byte }
	nearB := map[hosts]bool{}
	for i := range j.pairs {
		if at := &j.pairs[i]; at.tap == [2]int{p, q} {
			row := j.rows[p][at.conn[0]]
			nearB[hosts{row.End[0].Addr, row.End[1].Addr}] = at.nearB
		}
	}
	at := map[opened]*result.Flow{}
	for _, conn := range slices.Sorted(maps.Keys(j.rows[p])) {
		f := j.rows[p][conn]
		if f.Initiator != result.InitiatorUnknown && !j.paired[f.Conn] {
			at[name(f)] = f
		}
	}
	for _, conn := range slices.Sorted(maps.Keys(j.rows[q])) {
		f := j.rows[q][conn]
		first := at[name(f)]
		if first == nil || j.paired[conn] || f.Initiator == result.InitiatorUnknown {
			continue
		}
		delete(at, name(f))
		j.addPair(&pair{tap: [2]int{p, q}, conn: [2]uint64{first.Conn, conn}, swapped: first.End != f.End,
			nearB: nearB[hosts{first.End[0].Addr, first.End[1].Addr}]})
	}
}

// limited reports whether the far tap had more segments than are compared when a near
// record would have arrived.
func (c *crossing) limited(w *way, i int32) bool {
	until := c.comparedUntil(w.farTap)
	if until == math.MaxInt64 {
		return false
	}
	at := c.scan.records[w.near[i]].at
	if later, known := w.later(w.near[i]); known {
		at += later
	}
	return at > until-w.largest
}

// notCompared is how many segments of a side the near tap has in addition to those
// that are compared. They count for the last connection with these endpoints.
func (c *crossing) notCompared(side int) (n uint64) {
	near := c.nearTap[side]
	row := c.row[near]
	tap := c.tap[near]
	if c.comparedUntil(tap) == math.MaxInt64 {
		return 0
	}
	tuple, known := c.scan.indices[row.Key]
	if !known {
		return 0
	}
	for _, other := range c.rows[tap] {
		if other.Key == row.Key && other.Conn > row.Conn {
			return 0
		}
	}
	from := row.End[side]
	if near == 1 && c.flip || near == 0 && c.swapped(row.Conn) {
		from = row.End[1-side]
	}
	at := 0
	if from == row.Key.Hi {
		at = 1
	}
	for i := range c.scan.units {
		u := &c.scan.units[i]
		if u.later[tuple] == nil {
			continue
		}
		if d := c.divided[i]; d != nil && (d.other == tap || c.unitTap[i] == tap) {
			n += u.later[tuple][at] / 2 // about as many at both
		} else if c.unitTap[i] == tap {
			n += u.later[tuple][at]
		}
	}
	return n
}

// limits says which taps have more segments than are compared.
func (j *joiner) limits() (notes []result.Note) {
	for i := range j.Plan.points {
		if p := &j.Plan.points[i]; p.group != 0 && j.comparedUntil(i) != math.MaxInt64 {
			notes = append(notes, result.Note{Name: "taps", Message: fmt.Sprintf("%s has more segments than the %s that are compared: what became of the later ones between the taps is undecided.",
				p.Name, quantity.Thousands(uint64(j.scan.limit)))})
		}
	}
	return notes
}
