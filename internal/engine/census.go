package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// census counts FINs over the whole capture: a capture that never shows an
// acknowledgment of any proves nothing about one.
type census struct{ sent, acked [2]uint64 }

func (c *census) count(conn *fsm.Conn) {
	for side := range reassembly.Side(2) {
		h := conn.Half(side)
		if h.Phase < fsm.Shut {
			continue
		}
		rank := conn.FINRank(side)
		c.sent[rank]++
		if h.Phase == fsm.Done {
			c.acked[rank]++
		}
	}
}

func (c *census) add(d *census) {
	for rank := range c.sent {
		c.sent[rank] += d.sent[rank]
		c.acked[rank] += d.acked[rank]
	}
}
