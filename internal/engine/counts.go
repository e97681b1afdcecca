package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// count counts a connection.
func count(c *stats.Counts, f *flow.Flow) {
	l := f.Conn.Limits()
	c.Flows++
	for _, x := range [...]struct {
		limit fsm.Limits
		n     *uint64
	}{{fsm.OneSided, &c.OneSided}, {fsm.Holes, &c.Lossy}, {fsm.AcksFiltered, &c.ACKsFiltered}, {fsm.CutOptions, &c.OptionsCut}} {
		if l&x.limit != 0 {
			*x.n++
		}
	}
	opener, _ := f.Conn.Opener()
	if f.Conn.AwaitsAnswer(opener) && f.Conn.Packets(opener.Peer()) == 0 {
		if f.Conn.Packets(opener) > 1 {
			c.RepeatedSYNs++
		} else {
			c.LoneSYNs++
		}
	}
	for side := range reassembly.Side(2) {
		if f.Conn.Oversize(side) {
			c.Oversize++
			c.AddOversized(stats.Sender{Position: f.Position, Host: f.Conn.Endpoint(side)})
			break
		}
	}
	acks := f.Conn.PureAcks(reassembly.A) + f.Conn.PureAcks(reassembly.B)
	c.PureACKs += acks
	if f.Conn.Bytes(reassembly.A) > 0 && f.Conn.Bytes(reassembly.B) > 0 {
		c.Talks++
		c.Talked += f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B) - acks
	}
	for side := range reassembly.Side(2) {
		fins := &c.FINs[f.Conn.FINRank(side)]
		switch v := f.Conn.View(); {
		case v.Phase(side) == fsm.PhaseFinAcked:
			fins.Sent++
			fins.Acked++
		case v.Phase(side) == fsm.PhaseFinSent && ackDue(v, side):
			fins.Sent++
		}
	}
}

// ackDue reports whether the side's FIN, which nothing acknowledges, must have been
// acknowledged if its peer is up. A RST takes the place of the ACK, and a peer that still
// acknowledges less a timeout later shows that it lacks the FIN. Neither says anything
// about what the capture leaves out.
func ackDue(v fsm.View, side reassembly.Side) bool {
	_, reset := v.ResetBy()
	last := v.Last(side.Peer())
	return !reset && last.At-v.Last(side).At <= int64(v.RTO(side))
}
