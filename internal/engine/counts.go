package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// minusOne, added, takes one off.
const minusOne = ^uint64(0)

// count counts a connection, where one is 1, or takes it off again, where it is minusOne.
func count(c *stats.Counts, f *flow.Flow, one uint64) {
	l := f.Conn.Limits()
	c.Flows += one
	if l&(fsm.OneSided|fsm.Holes|fsm.AcksFiltered|fsm.CutOptions) != 0 { // seldom
		for _, x := range [...]struct {
			limit fsm.Limits
			n     *uint64
		}{{fsm.OneSided, &c.OneSided}, {fsm.Holes, &c.Lossy}, {fsm.AcksFiltered, &c.ACKsFiltered}, {fsm.CutOptions, &c.OptionsCut}} {
			if l&x.limit != 0 {
				*x.n += one
			}
		}
	}
	opener, known := f.Conn.Opener()
	if f.Conn.AwaitsAnswer(opener) && f.Conn.Packets(opener.Peer()) == 0 {
		if f.Conn.Packets(opener) > 1 {
			c.RepeatedSYNs += one
		} else {
			c.LoneSYNs += one
		}
	}
	if f.Conn.Packets(reassembly.A) > 0 && f.Conn.Packets(reassembly.B) > 0 {
		c.BothSides += one
	}
	switch handshake(&f.Conn) {
	case 2:
		if c.Handshakes += one; atOnce(f.Conn.View()) {
			c.Instant += one
		}
	case 1:
		c.Halves += one
	}
	if v := f.Conn.View(); known && f.Conn.Bytes(opener) > 0 {
		if _, accepted := v.SYNOptions(opener.Peer()); accepted {
			c.Asked += one
			if last := v.Last(opener.Peer()); last.Flags.Has(reassembly.SYN) {
				c.Mute += one
			}
		}
	}
	for side := range reassembly.Side(2) {
		if f.Conn.Oversize(side) {
			c.Oversize += one
			c.AddOversized(stats.Sender{Position: f.Position, Host: f.Conn.Endpoint(side)})
			break
		}
	}
	if server := opener.Peer(); one != minusOne && !c.Answers.Mixed { // what was counted once, stays; and most captures have mixed ones
		v := f.Conn.View()
		offered, asked := v.SYNOptions(opener)
		switch syn, captured := v.SYNOptions(server); {
		case !asked || !captured:
		case v.IPHabits(server).VariesTTL:
			c.Answers.Differ(f.Conn.Endpoint(server))
		default:
			c.Answers.Count(f.Conn.Endpoint(server), stats.Answer{TTL: v.Last(server).TTL, Refused: offered.Has &^ syn.Has, MSS: syn.MSS,
				Inside: f.Conn.Endpoint(opener).AddrPort().Addr().IsPrivate()})
		}
	}
	acks := f.Conn.PureAcks(reassembly.A) + f.Conn.PureAcks(reassembly.B)
	c.PureACKs += one * acks
	if f.Conn.Bytes(reassembly.A) > 0 && f.Conn.Bytes(reassembly.B) > 0 {
		c.Talks += one
		if one != minusOne {
			c.FTP.Count(f.Conn.Endpoint(reassembly.A), f.Conn.Endpoint(reassembly.B))
		}
		c.Talked += one * (f.Conn.Packets(reassembly.A) + f.Conn.Packets(reassembly.B) - acks)
	}
	for side := range reassembly.Side(2) {
		fins := &c.FINs[f.Conn.FINRank(side)]
		switch v := f.Conn.View(); {
		case v.Phase(side) == fsm.PhaseFinAcked:
			fins.Sent += one
			fins.Acked += one
		case v.Phase(side) == fsm.PhaseFinSent && ackDue(v, side):
			fins.Sent += one
		}
	}
}

// handshake is how many of a connection's SYN and SYN-ACK were captured, 0 if not both were sent, as far as the capture shows.
func handshake(c *fsm.Conn) int {
	v := c.View()
	opener, known := v.Opener()
	_, asked := v.SYNOptions(opener)
	_, accepted := v.SYNOptions(opener.Peer())
	switch {
	case !known:
		return 0
	case asked && accepted:
		return 2
	case accepted, asked && v.Phase(opener) >= fsm.PhaseOpen && v.Phase(opener.Peer()) >= fsm.PhaseOpen:
		return 1
	}
	return 0
}

// atOnce reports whether the server, at a public address beyond several routers, answered sooner than anybody does from there.
func atOnce(v fsm.View) bool {
	opener, _ := v.Opener()
	server := opener.Peer()
	ttl := v.Last(server).TTL
	took := v.HandshakeRTT(server) // 0: unknown
	return took > 0 && took <= stats.MaxInstant && fsm.FirstTTL(ttl)-ttl >= stats.InstantRouters && stats.IsPublic(v.Endpoint(server))
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
