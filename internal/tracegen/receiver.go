package tracegen

// announce is the window field of the next segment. The right edge moves only by
// enough bytes (RFC 1122 4.2.3.3), and never back.
func (e *end) announce(isSYN bool) uint16 {
	if isSYN {
		return e.stack.window
	}
	edge := e.rcvNxt + e.room()
	if int32(edge-e.edgeOut) >= int32(min(uint32(e.full), e.rcvBuf/2)) {
		e.edgeOut = edge
	}
	return uint16(max(0, int32(e.edgeOut-e.rcvNxt)) >> e.scale)
}

// room is the free part of the receive buffer.
func (e *end) room() uint32 { return e.rcvBuf - min(e.buffered, e.rcvBuf) }

// receive processes a segment that has reached side s.
func (c *conn) receive(s int, g *segment, now int64) {
	e := &c.end[s]
	switch {
	case e.gone:
		return
	case e.closed:
		if e.aborted || c.fault == redundantAck {
			c.reject(s, g, now)
		}
		return
	case g.flags&rst != 0:
		e.shut()
		return
	case g.flags&syn != 0:
		c.receiveSYN(s, g, now)
		return
	case e.rcvNxt == 0:
		return // before the peer's SYN
	}
	e.tsRecent = g.tsVal
	c.acknowledged(s, g, now)
	if e.closed {
		return
	}
	c.accept(s, g, now)
	c.output(s, now)
	if e.ackNow || e.unacked >= 2 {
		c.transmit(s, e.nxt, 0, ack, now)
	} else if e.unacked > 0 && e.ackAt == never {
		e.ackAt = now + delayedACK
	}
	switch {
	case e.readEvery == never:
		c.vanish(now)
	case e.buffered > 0 && e.readAt == never:
		e.readAt = now + e.readEvery
	}
}

// receiveSYN processes a SYN or SYN-ACK, first or retransmitted.
func (c *conn) receiveSYN(s int, g *segment, now int64) {
	e := &c.end[s]
	e.tsRecent = g.tsVal
	if e.rcvNxt == 0 {
		e.rcvNxt, e.edgeOut = 1, 1+uint32(e.stack.window)
	}
	if g.flags&ack == 0 {
		c.open(s, now)
		return
	}
	if !e.established() {
		c.acknowledged(s, g, now)
		e.edge = g.ack + uint32(g.window)
		e.schedule(request, now+c.within(50e3, 500e3)+c.plan.warmup)
	}
	c.transmit(s, e.nxt, 0, ack, now)
}

// acknowledged processes the ACK and window of a segment that has reached side s
// (RFC 5681 3, RFC 6582 3.2).
func (c *conn) acknowledged(s int, g *segment, now int64) {
	e := &c.end[s]
	shut := e.edge == g.ack // no room before this segment
	edge := g.ack + uint32(g.window)<<c.end[s^1].scale
	repeated := g.ack == e.una && g.length == 0 && g.flags&fin == 0 && edge == e.edge && e.una < e.nxt
	e.edge = edge
	switch {
	case g.ack > e.una && g.ack <= e.nxt:
		c.advance(s, g.ack, now)
	case repeated:
		c.duplicate(s, now)
	case shut && edge > g.ack && e.una == e.nxt:
		e.rtoAt, e.backoff = never, 0 // the window has opened: stop probing
	}
}

// advance processes an ACK of new data.
func (c *conn) advance(s int, upTo uint32, now int64) {
	e := &c.end[s]
	e.una, e.dups, e.backoff = upTo, 0, 0
	if e.timing && upTo >= e.timedEnd {
		e.timing = false
		e.measure(now - e.timedAt)
	}
	e.rtoAt = never
	if e.una < e.nxt {
		e.rtoAt = now + e.rto
	}
	switch {
	case e.recovering && upTo < e.recover:
		c.retransmit(s, now) // a partial ACK: the next hole
		if e.cwnd < e.ssthresh {
			e.cwnd++
		}
	case e.recovering:
		e.recovering = false
		e.cwnd = e.ssthresh
	case upTo > 1: // not the SYN's
		e.grow()
	}
	if e.finAcked() && e.passive {
		e.shut() // LAST_ACK is over
	}
}

// duplicate processes a duplicate ACK. The third in a row retransmits the missing
// segment.
func (c *conn) duplicate(s int, now int64) {
	e := &c.end[s]
	e.dups++
	switch {
	case e.recovering:
		e.cwnd = min(e.cwnd+1, maxCwnd)
	case e.dups == 3:
		e.ssthresh = max(int(e.nxt-e.una)/int(e.full)/2, 2)
		e.cwnd = e.ssthresh + 3
		e.recovering, e.recover = true, e.nxt
		c.retransmit(s, now)
	}
}

// grow increases the congestion window: slow start, then one segment a round trip.
func (e *end) grow() {
	if e.cwnd >= maxCwnd {
		return
	}
	if e.cwnd < e.ssthresh {
		e.cwnd++
		return
	}
	if e.grown++; e.grown >= e.cwnd {
		e.grown = 0
		e.cwnd++
	}
}

// measure adds one round-trip time (RFC 6298 2).
func (e *end) measure(rtt int64) {
	if e.srtt == 0 {
		e.srtt, e.rttvar = rtt, rtt/2
	} else {
		e.rttvar += (max(e.srtt-rtt, rtt-e.srtt) - e.rttvar) / 4
		e.srtt += (rtt - e.srtt) / 8
	}
	e.rto = e.srtt + max(4*e.rttvar, minRTTVar)
}
