package tracegen

// accept processes the payload and FIN of a segment that has reached side s.
func (c *conn) accept(s int, g *segment, now int64) {
	e := &c.end[s]
	if g.length == 0 && g.flags&fin == 0 {
		if g.seq < e.rcvNxt { // a probe (RFC 9293 3.10.7.4)
			e.ackNow = true
			e.probes++
		}
		return
	}
	last := g.seq + uint32(g.length)
	if g.flags&fin != 0 {
		e.finAt = last
	}
	switch {
	case g.end() <= e.rcvNxt || int32(last-e.edgeOut) > 0:
		e.ackNow = true // received before, or no room
	case g.seq > e.rcvNxt:
		e.ackNow = true
		e.keep(span{g.seq, g.end()})
	default:
		e.advanceTo(g.end())
		c.progress(s, now)
	}
}

// keep stores a segment that came out of order. If there is no free span, it is
// dropped.
func (e *end) keep(s span) {
	var rest [maxSACK]span
	n := 0
	for _, b := range e.ahead[:e.nAhead] {
		if b.from <= s.to && s.from <= b.to {
			s = span{min(s.from, b.from), max(s.to, b.to)}
			continue
		}
		rest[n] = b
		n++
	}
	if n < maxSACK {
		e.ahead[0] = s
		e.nAhead = uint8(1 + copy(e.ahead[1:], rest[:n]))
	}
}

// advanceTo moves rcvNxt, also over what was kept.
func (e *end) advanceTo(upTo uint32) {
	before := e.rcvNxt
	e.ackNow = e.nAhead > 0 // a hole is filled (RFC 5681 4.2)
	e.rcvNxt = upTo
	for i := 0; i < int(e.nAhead); {
		b := e.ahead[i]
		if b.from > e.rcvNxt {
			i++
			continue
		}
		e.rcvNxt = max(e.rcvNxt, b.to)
		e.nAhead--
		copy(e.ahead[i:], e.ahead[i+1:])
		i = 0
	}
	e.unacked++
	if e.readEvery != 0 {
		e.buffered += e.rcvNxt - before
	}
	if e.rcvNxt > e.finAt {
		e.finRcvd, e.ackNow = true, true
	}
}

// read empties the receive buffer of a slow application, and announces the new
// window if it is large enough (RFC 9293 3.8.6.2.2).
func (c *conn) read(s int, now int64) {
	e := &c.end[s]
	e.readAt = never
	e.buffered = 0
	announced := max(0, int32(e.edgeOut-e.rcvNxt))
	if !e.finRcvd && int32(e.rcvBuf)-announced >= int32(2*e.full) {
		c.transmit(s, e.nxt, 0, ack, now)
	}
}
