package tracegen

// accept takes the payload and FIN of a segment that landed at side s.
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
		e.ackNow = true // had it, or has no room
	case g.seq > e.rcvNxt:
		e.ackNow = true
		e.keep(span{g.seq, g.end()})
	default:
		e.take(g.end())
		c.progress(s, now)
	}
}

// keep stores what came ahead of a hole. What would need one span too many is
// dropped, as if lost.
func (e *end) keep(s span) {
	var rest [maxSACK]span
	n := 0
	for _, b := range e.early[:e.nearly] {
		if b.from <= s.to && s.from <= b.to {
			s = span{min(s.from, b.from), max(s.to, b.to)}
			continue
		}
		rest[n] = b
		n++
	}
	if n < maxSACK {
		e.early[0] = s
		e.nearly = uint8(1 + copy(e.early[1:], rest[:n]))
	}
}

// take moves rcvNxt, over what was kept as well.
func (e *end) take(upTo uint32) {
	before := e.rcvNxt
	e.ackNow = e.nearly > 0 // a hole is filled (RFC 5681 4.2)
	e.rcvNxt = upTo
	for i := 0; i < int(e.nearly); {
		b := e.early[i]
		if b.from > e.rcvNxt {
			i++
			continue
		}
		e.rcvNxt = max(e.rcvNxt, b.to)
		e.nearly--
		copy(e.early[i:], e.early[i+1:])
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

// read lets a slow application take what lies in its buffer, and announces the
// room if that is news (RFC 9293 3.8.6.2.2).
func (c *conn) read(s int, now int64) {
	e := &c.end[s]
	e.readAt = never
	e.buffered = 0
	announced := max(0, int32(e.edgeOut-e.rcvNxt))
	if !e.finRcvd && int32(e.rcvBuf)-announced >= int32(2*e.full) {
		c.transmit(s, e.nxt, 0, ack, now)
	}
}
