package pictures

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// measure notes a segment with payload of the direction, after offset has placed it.
func (d *direction) measure(class fsm.Class, at, length int64) {
	c := d.cell(at)
	c.carried += length
	if d.acked {
		c.inFlight = max(c.inFlight, d.top-d.ack)
	}
	switch class {
	case fsm.NewData:
		if d.timed == 0 {
			d.timed, d.due = at, d.top
		}
	case fsm.Retransmission: // which of the two is acknowledged cannot be told (Karn; RFC 6298 3)
		d.timed = 0
	}
}

// answered notes the round trip, as the tap sees it, if the direction's ACK ends one.
func (d *direction) answered(c *cell, at int64) {
	if d.timed != 0 && d.ack >= d.due {
		rtt := max(at-d.timed, 0)
		c.rtt.add(extent{rtt, rtt + 1})
		d.timed = 0
	}
}

// sack notes the blocks that say what arrived beyond the ACK. One at or below it says that
// something arrived twice (RFC 2883).
func (d *direction) sack(c *cell, seg *reassembly.Segment, at int64) {
	reported := false
	for _, b := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if from, to := d.offset(b.From), d.offset(b.To); d.ack < from && from < to && to <= d.top {
			c.sacked.add(extent{from, to})
			reported = true
		}
	}
	if reported {
		d.sacks.count(at)
	}
}
