package taps

import (
	"fmt"
	"sort"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// mark notes the point of one frame. at is a point, or leftOut.
func (p *Plan) mark(r *record, at int) {
	by := p.frames[r.file]
	for int(r.frame) >= len(by) {
		by = append(by, make([]int8, max(1024, len(by)))...)
	}
	by[r.frame] = int8(at + 1)
	if at < 0 {
		by[r.frame] = leftOut
	}
	p.frames[r.file] = by
}

func (p *Plan) isLeftOut(r *record) bool {
	by := p.frames[r.file]
	return int(r.frame) < len(by) && by[r.frame] == leftOut
}

// leaveOut leaves out what unit i has that unit j has, too: it is a copy, whose times are later
// by what c says.
func (b *builder) leaveOut(j, i int, c *comparison) {
	d, spread := c.least+(c.max-c.least)/2, (c.max-c.least)/2
	s := b.scan
	if s.units[j].file > s.units[i].file { // the first on the command line counts
		j, i, d = i, j, -d
	}
	first, second := &s.units[j], &s.units[i]
	taken := map[int32]bool{}
	n := 0
	for _, k := range second.records {
		r := &s.records[k]
		at := r.at - d - spread - samePrecision
		from := sort.Search(len(first.records), func(x int) bool { return s.records[first.records[x]].at >= at })
		for _, m := range first.records[from:] {
			o := &s.records[m]
			if o.at > at+2*(spread+samePrecision) {
				break
			}
			if !taken[m] && o.tuple == r.tuple && o.fromHi == r.fromHi && o.content(o.seq, o.ack, uint64(o.window)) == r.content(r.seq, r.ack, uint64(r.window)) {
				taken[m] = true
				b.mark(r, int(leftOut))
				n++
				break
			}
		}
	}
	if first.full && second.full && n == len(second.records) {
		b.out[i] = true // the rest was not compared
	}
	by := "at the same times"
	if d > spread+samePrecision || d < -spread-samePrecision {
		by = quantity.Duration(max(d, -d)) + " later"
		if d < 0 {
			by = quantity.Duration(-d) + " earlier"
		}
	}
	reason := fmt.Sprintf("all segments that %s has as well have the same TTL and link-layer addresses there, and are %s", b.unitName(j), by)
	if spread > samePrecision {
		by += ", give or take " + quantity.Duration(spread)
		reason = fmt.Sprintf("all segments that %s has as well have the same TTL there, and are %s, whichever side sent them: there is no path between the two", b.unitName(j), by)
	}
	text := fmt.Sprintf("%s is the same capture as %s, %s: %s of it count for nothing.", b.unitName(i), b.unitName(j), by, quantity.Count(uint64(n), "segment"))
	b.note("same-capture", text)
	b.copies = append(b.copies, result.Tap{Name: b.unitName(i), Files: []string{s.infos[second.file].File}, Recognised: "same-capture", Reason: reason})
}

// rest reports whether anything of a unit is not left out.
func (b *builder) rest(i int) bool {
	for _, k := range b.scan.units[i].records {
		if !b.isLeftOut(&b.scan.records[k]) {
			return true
		}
	}
	return false
}
