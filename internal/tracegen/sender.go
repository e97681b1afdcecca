package tracegen

// transmit sends one segment of side s, with the current acknowledgment, window and
// options.
func (c *conn) transmit(s int, seq uint32, length int, flags uint8, now int64) {
	e := &c.end[s]
	g := c.path[s].enter()
	*g = segment{seq: seq, length: uint16(length), flags: flags}
	if flags&ack != 0 {
		g.ack = e.rcvNxt
		g.nsack = uint8(copy(g.sack[:], e.ahead[:e.nAhead]))
		e.unacked, e.ackNow, e.ackAt = 0, false, never
	}
	g.window = e.announce(flags&syn != 0)
	if e.ts {
		g.tsVal = e.tsBase + uint32(now/1e6)
		g.tsEcr = e.tsRecent
	}
	if flags != syn|ack { // Linux leaves the ID of its SYN-ACKs 0
		e.ipid++
		g.ipid = e.ipid
	}
	c.route(s, g, now)
}

// reject answers a segment for which there is no connection with RST
// (RFC 9293 3.5.2, group 1).
func (c *conn) reject(s int, cause *segment, now int64) {
	if cause.flags&rst != 0 {
		return
	}
	g := c.path[s].enter()
	if cause.flags&ack != 0 {
		*g = segment{seq: cause.ack, flags: rst}
	} else {
		*g = segment{seq: -c.end[s].iss, ack: cause.end(), flags: rst | ack}
	}
	c.route(s, g, now)
}

// abort closes side s with a RST of its own.
func (c *conn) abort(s int, now int64) {
	e := &c.end[s]
	c.transmit(s, e.nxt, 0, rst|ack, now)
	e.shut()
	e.aborted = true
}

// open sends the SYN of side s, with an ACK if the peer's SYN has come.
func (c *conn) open(s int, now int64) {
	e := &c.end[s]
	flags := uint8(syn)
	if e.rcvNxt > 0 {
		flags |= ack
	}
	if e.nxt == 0 {
		e.timing, e.timedEnd, e.timedAt = true, 1, now
	}
	c.transmit(s, 0, 0, flags, now)
	e.nxt = 1
	e.rtoAt = now + e.rto<<e.backoff
}

// output sends what side s has to send and is allowed to send.
func (c *conn) output(s int, now int64) {
	e := &c.end[s]
	if e.closed || !e.established() {
		return
	}
	for e.nxt < e.limit {
		left, flight := e.limit-e.nxt, e.nxt-e.una
		n := min(left, uint32(e.full))
		if flight >= uint32(e.cwnd)*uint32(e.full) {
			return
		}
		if room := int32(e.edge - e.nxt); room < int32(n) {
			// Silly windows are not used while an ACK is to come (RFC 1122
			// 4.2.3.4).
			if room <= 0 || flight > 0 {
				c.persist(e, now)
				return
			}
			n = uint32(room)
		}
		flags := uint8(ack)
		if n == left {
			flags |= psh
			if e.closing {
				flags |= fin
			}
		}
		c.fresh(s, int(n), flags, now)
	}
	if e.closing && !e.finSent() {
		c.fresh(s, 0, ack|fin, now)
	}
}

// fresh sends new data, or the FIN, at nxt.
func (c *conn) fresh(s, length int, flags uint8, now int64) {
	e := &c.end[s]
	c.transmit(s, e.nxt, length, flags, now)
	e.nxt += uint32(length)
	if flags&fin != 0 {
		e.nxt++
		e.passive = e.finRcvd
	}
	if !e.timing {
		e.timing, e.timedEnd, e.timedAt = true, e.nxt, now
	}
	if e.rtoAt == never {
		e.rtoAt = now + e.rto
	}
}

// persist starts the persist timer, unless the retransmission timer runs (RFC 9293
// 3.8.6.1).
func (c *conn) persist(e *end, now int64) {
	if e.rtoAt == never {
		e.backoff = 0
		e.rtoAt = now + e.rto
	}
}

// timeout is the retransmission timer, or the persist timer if nothing is in
// flight.
func (c *conn) timeout(s int, now int64) {
	e := &c.end[s]
	e.rtoAt = never
	switch {
	case !e.established():
		if e.backoff++; e.backoff > 3 {
			e.shut() // there is no peer
			return
		}
		e.timing = false
		c.open(s, now)
	case e.una == e.nxt:
		e.backoff++
		c.transmit(s, e.una-1, 0, ack, now) // a zero-window probe as in Linux
		e.rtoAt = now + min(e.rto<<e.backoff, maxRTO)
	case c.fault == finLost && e.finSent() && e.una == e.limit:
		// Q254930: the FIN is not retransmitted.
	default:
		if e.backoff++; e.backoff > 8 {
			e.shut()
			return
		}
		e.ssthresh = max(int(e.nxt-e.una)/int(e.full)/2, 2)
		e.cwnd, e.dups = 1, 0
		e.recovering, e.recover = true, e.nxt
		c.retransmit(s, now)
	}
}

// retransmit sends the oldest unacknowledged segment again.
func (c *conn) retransmit(s int, now int64) {
	e := &c.end[s]
	n := min(min(e.nxt, e.limit)-e.una, uint32(e.full))
	flags := uint8(ack)
	if e.una+n == e.limit {
		flags |= psh
		if e.finSent() {
			flags |= fin
		}
	}
	e.timing = false // Karn (RFC 6298 3)
	c.transmit(s, e.una, int(n), flags, now)
	e.rtoAt = now + min(e.rto<<e.backoff, maxRTO)
}
