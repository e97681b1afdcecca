package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math/bits"
	"slices"
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// number gives connections and findings their order, numbers and IDs.
func (c *collector) number(rep *result.Report) {
	sortPositions(c.positions)
	numbers := c.numbers()
	if follow := c.options.Follow; follow != nil && numbers != nil {
		for i, n := range follow.Same {
			if n <= uint64(len(numbers)) {
				follow.Same[i] = numbers[n-1]
			}
		}
	}
	sortRows(c.rows, c.positions)
	rep.Flows = c.rows
	rowOf := make(map[uint64]*result.Flow, len(c.found))
	for i := range c.found {
		rowOf[c.found[i].conn] = nil
	}
	for i := range rep.Flows {
		row := &rep.Flows[i]
		if _, is := rowOf[row.ID]; is {
			rowOf[row.ID] = row
		}
		n := i
		if len(rep.Flows) < len(c.positions) {
			n, _ = slices.BinarySearch(c.positions, row.ID)
		}
		row.ID = uint64(n) + 1
		if numbers != nil {
			row.ID = numbers[n]
		}
	}
	sorting.Stable(c.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.conn, b.conn), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Start, b.Start),
			cmp.Compare(a.Evidence[0].Seg.File, b.Evidence[0].Seg.File), cmp.Compare(a.Evidence[0].Seg.Frame, b.Evidence[0].Seg.Frame))
	})
	seen := map[string]int{}
	if len(c.found) > 0 {
		rep.Findings = make([]result.Finding, 0, len(c.found))
	}
	for i := range c.found {
		f := &c.found[i]
		row := rowOf[f.conn]
		rep.Findings = append(rep.Findings, result.Finding{Finding: f.Finding, ID: identify(f.Finding, row, seen), Flow: row, Revision: 1, Final: true, FINRank: f.FINRank, Other: f.other})
	}
}

// sortPositions sorts numbers that differ, as a rule, and are no larger than the segments of the trace are many: if these are not
// many more, by a bit for each segment.
func sortPositions(positions []uint64) {
	const sparse = 4 // words of bits for each
	n := uint64(len(positions))
	if n == 0 {
		return
	}
	most := slices.Max(positions)
	if most/64 > sparse*n {
		slices.Sort(positions)
		return
	}
	present := make([]uint64, most/64+1)
	for _, x := range positions {
		if present[x/64]>>(x%64)&1 != 0 {
			slices.Sort(positions)
			return
		}
		present[x/64] |= 1 << (x % 64)
	}
	next := positions[:0]
	for i, word := range present {
		for ; word != 0; word &= word - 1 {
			next = append(next, uint64(i*64+bits.TrailingZeros64(word)))
		}
	}
}

// sortRows puts rows into the order of their IDs, which are among the positions. Rows are large, so each is moved once.
func sortRows(rows []result.Flow, positions []uint64) {
	order := make([]int, len(rows))  // which row comes there
	if len(rows) == len(positions) { // every connection has one
		for i := range rows {
			n, _ := slices.BinarySearch(positions, rows[i].ID)
			order[n] = i
		}
	} else {
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(rows[a].ID, rows[b].ID) })
	}
	for i := range order { // a cycle of rows that take each other's places
		if order[i] == i {
			continue
		}
		first := rows[i]
		to := i
		for order[to] != i {
			from := order[to]
			rows[to], order[to] = rows[from], to
			to = from
		}
		rows[to], order[to] = first, to
	}
}

// numbers are those that the connections have in the trace that they are a part of, in
// order of positions; nil if it does not have all of them.
func (c *collector) numbers() []uint64 {
	given := c.trace.Numbers
	if len(given) < len(c.positions) {
		return nil
	}
	numbers := make([]uint64, 0, len(c.positions))
	for _, position := range c.positions {
		for len(given) > 0 && given[0].Position < position {
			given = given[1:]
		}
		if len(given) == 0 || given[0].Position != position {
			return nil
		}
		numbers = append(numbers, given[0].Number)
	}
	return numbers
}

// Identify makes the ID of a finding that others made: seen counts those alike.
func Identify(f *detectors.Finding, flow *result.Flow, seen map[string]int) string {
	return identify(f, flow, seen)
}

// identify makes a finding's ID: a hash of the detector, both endpoints, and
// the anchor segment: who sent it, seq, ack, flags, length, and how many
// such findings came before. Nothing in it depends on files, frames, times or workers.
func identify(f *detectors.Finding, flow *result.Flow, seen map[string]int) string {
	a := &f.Evidence[0].Seg
	b := append(make([]byte, 0, 256), f.Detector...)
	b = flow.Key.Lo.AddrPort().AppendTo(append(b, '|'))
	b = flow.Key.Hi.AddrPort().AppendTo(append(b, '|'))
	b = strconv.AppendBool(append(b, '|'), a.Src == flow.Key.Lo)
	for _, n := range [...]uint32{uint32(a.Seq), uint32(a.Ack), uint32(a.Flags), a.Len} {
		b = strconv.AppendUint(append(b, '|'), uint64(n), 10)
	}
	seen[string(b)]++
	b = strconv.AppendInt(append(b, '|'), int64(seen[string(b)]), 10)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
