package taps

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// exact makes states exact that were upper bounds, because an ACK was captured that may
// not have arrived: the tap beside a host saw whether it did.
func (j *joiner) exact(row *result.Flow, records map[uint64]*[2][]int32) {
	for side := range reassembly.Side(2) {
		tap := j.nearest(row.ID, side)[0]
		for i := range row.Taps {
			t := &row.Taps[i]
			if t.Tap != tap || !row.Bounded[side] {
				continue
			}
			at := side
			if j.swapped(t.Conn) {
				at = side.Peer()
			}
			if all := records[t.Conn]; all == nil || len(all[at]) == 0 || !fsm.Unrouted(j.scan.records[all[at][0]].ttl) {
				continue
			}
			there := j.rows[tap][t.Conn]
			row.State[side], row.Since[side], row.Bounded[side] = there.State[at], there.Since[at], false
		}
	}
}
