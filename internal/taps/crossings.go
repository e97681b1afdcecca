package taps

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// between adds what happened between neighbouring taps to every connection that
// several saw, and says how their clocks differ.
func (j *joiner) between(r *result.Report) {
	j.clocks = map[[2]int]*clockEstimate{}
	for i := range j.pairs {
		t := j.pairs[i].tap
		if j.clocks[t] == nil {
			j.clocks[t] = j.knownClock(t)
		}
	}
	for i := range r.Taps {
		t := &r.Taps[i]
		if t.Recognised == "same-capture" {
			continue
		}
		first := j.firstOf(i)
		if first == i {
			t.HasOffset, t.HasSkew = true, true
		}
		if c := j.clocks[[2]int{first, i}]; c != nil {
			t.Epoch, t.Clock = c.epoch, c.whole
			for _, p := range c.parts {
				p.From += p.Offset // as its own clock shows it
				t.Parts = append(t.Parts, p)
			}
			if r.Taps[first].Epoch == 0 {
				r.Taps[first].Epoch = c.epoch
			}
		}
		t.Unpaired = j.unpaired(i)
	}
	j.records = j.recordsByConn()
	records := j.records
	rows := map[uint64]*result.Flow{}
	for i := range r.Flows {
		rows[r.Flows[i].ID] = &r.Flows[i]
	}
	j.legs = map[result.FrameID]*leg{}
	j.cited = map[result.FrameID]bool{}
	for i := range j.points {
		for k := range j.points[i].Report.Findings {
			for _, e := range j.points[i].Report.Findings[k].Evidence {
				j.cited[result.FrameOf(&e.Seg)] = true
			}
		}
	}
	for id, row := range rows {
		taps := j.nearest(id, reassembly.A)
		for k := 1; k < len(taps); k++ {
			if c := j.crossing(id, taps[k-1], taps[k], records); c != nil {
				row.Between = append(row.Between, c.describe())
			}
		}
		if len(taps) > 1 {
			j.exact(row, records)
		}
	}
}

// unpaired is how many connections of a tap no other saw.
func (j *joiner) unpaired(tap int) (n uint64) {
	if j.known() {
		return j.saved.Unpaired[tap]
	}
	for _, conn := range j.points[tap].Positions {
		if !j.paired[conn] {
			n++
		}
	}
	return n
}

// firstOf is the first tap of those that saw the same connections.
func (j *joiner) firstOf(tap int) int {
	for i := range j.Plan.points {
		if j.Plan.points[i].group == j.Plan.points[tap].group {
			return i
		}
	}
	return tap
}

// recordsByConn are the records of each connection that several taps saw, by side.
func (j *joiner) recordsByConn() map[uint64]*[2][]int32 {
	all := map[uint64]*[2][]int32{}
	for i := range j.scan.records {
		r := &j.scan.records[i]
		p := pointOf(r)
		if p < 0 {
			continue
		}
		conn := j.connOf(int32(i))
		row := j.rows[p][conn]
		if row == nil || !j.paired[conn] {
			continue
		}
		if all[conn] == nil {
			all[conn] = new([2][]int32)
		}
		side := sideOf(row, r)
		all[conn][side] = append(all[conn][side], int32(i))
	}
	return all
}

// crossing is a connection between two taps, of which one is nearer to A.
func (j *joiner) crossing(id uint64, nearA, farA int, records map[uint64]*[2][]int32) *crossing {
	for _, i := range j.with[id] {
		p := &j.pairs[i]
		if p.tap != [2]int{min(nearA, farA), max(nearA, farA)} {
			continue
		}
		one, other := records[p.conn[0]], records[p.conn[1]]
		if one == nil || other == nil {
			return nil
		}
		c := &crossing{joiner: j, tap: p.tap, row: [2]*result.Flow{j.rows[p.tap[0]][p.conn[0]], j.rows[p.tap[1]][p.conn[1]]},
			records: [2][2][]int32{*one, *other}, clock: j.clocks[p.tap], shift: p.shift}
		first := j.swapped(p.conn[0]) // as the flow has them
		if first {
			c.records[0][0], c.records[0][1] = c.records[0][1], c.records[0][0]
			c.shift[0], c.shift[1] = c.shift[1], c.shift[0]
		}
		c.flip = j.swapped(p.conn[1])
		if c.flip {
			c.records[1][0], c.records[1][1] = c.records[1][1], c.records[1][0]
		}
		if nearA == p.tap[1] {
			c.nearTap = [2]int{1, 0}
		} else {
			c.nearTap = [2]int{0, 1}
		}
		return c
	}
	return nil
}
