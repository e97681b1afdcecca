package fsm

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A TCB is one end's transmission control block, inferred from the wire: the
// fields that `netstat -x` printed in KB Q117317. Known says which of them the
// wire showed; the others are meaningless.
type TCB struct {
	Known TCBField

	ISS, IRS       reassembly.Seq
	SndUna, SndNxt reassembly.Seq
	SndWnd, MaxWnd uint32 // bytes, scaled
	SndWL1, SndWL2 reassembly.Seq
	RcvNxt         reassembly.Seq
	RcvWnd         uint32 // bytes, scaled: what this end last advertised
	SndScale       uint8  // shift that the peer applies to its windows
	RcvScale       uint8  // shift that this end applies
	MSS            uint16 // as this end announced
	SRTT, RTTVar   int64  // nanoseconds (RFC 6298)
	RTO            int64  // nanoseconds, with backoff
	Rexmits        int    // retransmissions in a row, now
	Probing        bool   // in the persist state
	Probes         int    // probes in a row: "retry" of the article
	FIN            reassembly.Seq
	LastAckSent    reassembly.Seq
	ActiveOpen     bool
	Timers         []string // those that must be running: retransmit, persist, time-wait, ...
}

// TCBField is a set of TCB fields.
type TCBField uint32

// The fields that may be unknown.
const (
	KnowISS TCBField = 1 << iota
	KnowIRS
	KnowSndUna
	KnowSndNxt
	KnowSndWnd
	KnowSndWL
	KnowRcvNxt
	KnowRcvWnd
	KnowSndScale
	KnowRcvScale
	KnowMSS
	KnowRTT
	KnowFIN
	KnowOpener
	KnowLastAck
)

// TCB infers the side's control block at trace time at.
func (c *Conn) TCB(side reassembly.Side, at int64, timeWait time.Duration) TCB {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	o, p := &own.out, &peer.out
	t := TCB{
		ISS: o.ISS, IRS: p.ISS, SndUna: o.Una, SndNxt: o.Nxt, MaxWnd: peer.maxWnd,
		SndWnd: uint32(o.Edge - o.Una), SndWL1: peer.wl1, SndWL2: o.Una,
		RcvNxt: p.Una, RcvWnd: uint32(p.Edge - p.Una), SndScale: peer.scale >> offeredScale, RcvScale: own.scale >> offeredScale,
		MSS: own.mss, SRTT: int64(c.smoothedRTT(side)), RTTVar: int64(own.rttvar) * int64(time.Microsecond),
		RTO: int64(min(c.rto(side)<<min(own.row, 7), maxRTO)), Rexmits: int(own.row),
		Probing: peer.dir.is(shut) && own.tries > 0, Probes: int(own.tries),
		FIN: own.dir.FIN, LastAckSent: own.last.Ack, ActiveOpen: side == reassembly.A,
	}
	know := func(f TCBField, is bool) {
		if is {
			t.Known |= f
		}
	}
	know(KnowISS, o.Knows(reassembly.KnowISS))
	know(KnowIRS, p.Knows(reassembly.KnowISS))
	know(KnowSndUna, o.Knows(reassembly.KnowUna))
	know(KnowSndNxt, o.Knows(reassembly.KnowNxt))
	know(KnowSndWnd, o.Knows(reassembly.KnowEdge))
	know(KnowSndWL, o.Knows(reassembly.KnowEdge) && peer.last.Flags&reassembly.ACK != 0)
	know(KnowRcvNxt, p.Knows(reassembly.KnowUna))
	know(KnowRcvWnd, p.Knows(reassembly.KnowEdge))
	know(KnowSndScale, peer.dir.is(synSeen) && own.dir.is(synSeen))
	know(KnowRcvScale, peer.dir.is(synSeen) && own.dir.is(synSeen))
	know(KnowMSS, own.opts&reassembly.HasMSS != 0)
	know(KnowRTT, own.srtt != 0)
	know(KnowFIN, own.dir.Phase >= PhaseFinSent)
	know(KnowOpener, c.bits&midstream == 0)
	know(KnowLastAck, own.last.Flags&reassembly.ACK != 0)
	t.Timers = c.timers(side, at, timeWait)
	return t
}

// timers are the side's timers that must be running, by the RFCs.
func (c *Conn) timers(side reassembly.Side, at int64, timeWait time.Duration) []string {
	own, peer := &c.ends[side], &c.ends[side.Peer()]
	state, _ := c.State(side, at, timeWait)
	var running []string
	switch {
	case state == Closed:
		return nil
	case state == TimeWait:
		return []string{"time-wait"}
	case peer.dir.is(shut) && own.out.InFlight() <= 1:
		running = append(running, "persist") // RFC 9293 3.8.6.1
	case own.out.InFlight() > 0:
		running = append(running, "retransmit") // RFC 6298 5.1
	}
	return running
}
