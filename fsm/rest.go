package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// A Rest is a connection that has closed in order, and the record of its close, in half the
// memory. Most captures consist of such connections, and each may still get a segment.
// Nothing is lost: a connection of which anything does not fit, or does not follow from what
// does, is not taken.
type Rest struct {
	first, history uint64
	ends           [2]restEnd
	closeFirst     int64
	key            reassembly.Key
	wrote, second  uint32
	bits           connBits
	steps          [restSteps]closeStep // those that are not the last segment of a side
	idle, file     uint16
	marks          [maxCloseSteps]restMark
	n              uint8 // of marks; 0 without a record
}

// restSteps is how many segments of an ordinary close are not the last of their side: FIN,
// and the ACK of that.
const restSteps = 2

// A restMark is one step of a close.
type restMark struct {
	which uint8 // 0 or 1: the last segment of side A or B, without what follows; else one of steps
	kinds uint8
	class uint8 // and placement, in the upper half
}

// A restEnd is one side. Sequence numbers are how far they lie behind the side's SND.NXT,
// which equals SND.UNA; acknowledgments, behind the peer's.
type restEnd struct {
	lastAt                              int64
	iss, una, edge                      reassembly.Seq
	frame                               uint32
	rttAt, srtt, rttvar, answer, maxWnd uint32
	recent                              [2]uint32
	seqBack, length, rttBack, wl1Back   uint16
	window, ipid, wlID, mss             uint16
	packets                             uint16
	bits                                directionBits
	ackBack, doubtBack, rexmits         uint8
	since                               uint8 // its state: 0 from its own last segment on, 1 from the peer's
	ttl, state, scale, acks, ahead      uint8
	ids                                 idSteps
	flags                               reassembly.Flags
	opts                                reassembly.OptionBits
}

// Take takes the connection with the record of its close, which may be nil. It reports
// false if it cannot.
func (r *Rest) Take(c *Conn, of *Close) bool {
	if c.bits&(pendingByA|pendingByB) != 0 || of != nil && !of.Over() {
		return false
	}
	*r = Rest{first: uint64(c.first), history: c.history, key: c.key, wrote: c.wrote, second: c.second, bits: c.bits, idle: c.idle, file: c.file}
	for side := range r.ends {
		own, peer := c.both(reassembly.Side(side))
		r.ends[side].take(own, peer)
	}
	if of != nil && !r.takeClose(c, of) {
		return false
	}
	var conn Conn
	var record Close
	is := r.Give(&conn, &record)
	return conn == *c && is == (of != nil) && (of == nil || record == *of)
}

// Give gives the connection back, and the record of its close if there is one.
func (r *Rest) Give(c *Conn, of *Close) (is bool) {
	*c = Conn{key: r.key, first: int64(r.first), history: r.history, wrote: r.wrote, second: r.second, bits: r.bits, idle: r.idle, file: r.file}
	for side := range r.ends {
		own, e := &c.ends[side], &r.ends[side]
		e.give(own, r.ends[1-side].una, r.file)
		own.since = r.ends[(side+int(e.since))&1].lastAt
	}
	if r.n == 0 {
		return false
	}
	*of = Close{first: r.closeFirst, file: r.file, n: r.n, acked: 3}
	for i, m := range r.marks[:r.n] {
		s := &of.steps[i]
		if m.which > 1 {
			*s = r.steps[m.which-2]
			continue
		}
		*s = stepOf(&c.ends[m.which&1].last, r.closeFirst)
		s.side, s.kinds, s.class, s.place = reassembly.Side(m.which), m.kinds, Class(m.class&15), reassembly.Placement(m.class>>4)
	}
	return true
}

// takeClose takes the record.
func (r *Rest) takeClose(c *Conn, of *Close) bool {
	r.closeFirst, r.n = of.first, of.n
	taken := 0
	for i := range of.steps[:of.n] {
		s := &of.steps[i]
		if s.frame == c.ends[s.side&1].last.Frame {
			r.marks[i] = restMark{uint8(s.side), s.kinds, uint8(s.class) | uint8(s.place)<<4}
			continue
		}
		if taken == restSteps {
			return false
		}
		r.steps[taken] = *s
		r.marks[i].which = uint8(2 + taken)
		taken++
	}
	return true
}

// stepOf is a segment in the record of a close that began at first.
func stepOf(m *reassembly.Mark, first int64) closeStep {
	return closeStep{after: uint32(m.At - first), frame: m.Frame, seq: m.Seq, ack: m.Ack, size: uint16(m.Len), window: m.Window, ipid: m.IPID, flags: m.Flags, ttl: m.TTL}
}

func (r *restEnd) take(own, peer *end) {
	m, nxt := &own.last, own.out.Nxt
	*r = restEnd{
		lastAt: m.At, iss: own.out.ISS, una: own.out.Una, edge: own.out.Edge, frame: m.Frame,
		rttAt: own.rttAt, srtt: own.srtt, rttvar: own.rttvar, answer: own.answer, maxWnd: own.maxWnd, recent: own.recent,
		seqBack: uint16(nxt - m.Seq), length: uint16(m.Len), rttBack: uint16(nxt - own.rttSeq), wl1Back: uint16(nxt - own.wl1),
		window: m.Window, ipid: m.IPID, wlID: own.wlID, mss: own.mss, packets: uint16(own.packets), bits: own.dir.bits,
		ackBack: uint8(peer.out.Nxt - m.Ack), doubtBack: uint8(peer.out.Nxt - own.dir.doubt), rexmits: uint8(own.rexmits),
		ttl: m.TTL, state: uint8(own.state), scale: own.scale, acks: own.acks, ahead: own.ahead, ids: own.dir.ids, flags: m.Flags, opts: own.opts,
	}
	if own.since != m.At {
		r.since = 1
	}
}

func (r *restEnd) give(own *end, peerNxt reassembly.Seq, file uint16) {
	*own = end{
		dir: direction{FIN: r.una - 1, doubt: peerNxt - reassembly.Seq(r.doubtBack), Phase: PhaseFinAcked, ids: r.ids, bits: r.bits},
		last: reassembly.Mark{At: r.lastAt, Frame: r.frame, Seq: r.una - reassembly.Seq(r.seqBack), Ack: peerNxt - reassembly.Seq(r.ackBack),
			Len: uint32(r.length), File: file, Window: r.window, IPID: r.ipid, Flags: r.flags, TTL: r.ttl},
		bytes: uint64(uint32(r.una-r.iss) - 2), // but for SYN and FIN
		rttAt: r.rttAt, rttSeq: r.una - reassembly.Seq(r.rttBack), wl1: r.una - reassembly.Seq(r.wl1Back),
		srtt: r.srtt, rttvar: r.rttvar, answer: r.answer, maxWnd: r.maxWnd, packets: uint32(r.packets), rexmits: uint32(r.rexmits), recent: r.recent,
		wlID: r.wlID, mss: r.mss, state: State(r.state), scale: r.scale, acks: r.acks, ahead: r.ahead, opts: r.opts,
	}
	own.out.Open(r.iss)
	own.out.Send(r.iss, uint32(r.una-r.iss), nil)
	own.out.Acked(r.una, nil)
	own.out.Offer(r.edge)
}
