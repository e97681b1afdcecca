package tracegen

import (
	"math"
	"math/rand/v2"
)

// The two ends of a connection. The client sends the SYN.
const (
	client = 0
	server = 1
)

// A conn is one connection between two ends. When it is over, it becomes the next
// one.
type conn struct {
	end  [2]end
	path [2]path // by sender
	rng  *rand.Rand
	plan plan
	link link

	seen bool // by the tap

	fault      fault
	messages   int   // sent by the client after a lost FIN
	provableAt int64 // when the fault can be proved; never until that is known

	due  event
	side int
}

// event is what a connection does next.
type event uint8

const (
	passTap event = iota
	land
	retransmission
	delayedAck
	readBuffer
	application
)

// next finds the connection's earliest event and returns its time.
func (c *conn) next() int64 {
	at := int64(never)
	for s := range c.end {
		e, p := &c.end[s], &c.path[s]
		if t := p.tapAt(); t < at {
			at, c.due, c.side = t, passTap, s
		}
		if t := p.landAt(); t < at {
			at, c.due, c.side = t, land, s
		}
		if e.rtoAt < at {
			at, c.due, c.side = e.rtoAt, retransmission, s
		}
		if e.ackAt < at {
			at, c.due, c.side = e.ackAt, delayedAck, s
		}
		if e.readAt < at {
			at, c.due, c.side = e.readAt, readBuffer, s
		}
		if e.appAt < at {
			at, c.due, c.side = e.appAt, application, s
		}
	}
	return at
}

// step does what next found. It returns the segment that passes the tap, if
// that is what happened; it is valid until the next step.
func (c *conn) step(now int64) *segment {
	s := c.side
	switch c.due {
	case passTap:
		p := &c.path[s]
		g := p.at(p.tap)
		p.tap++
		return g
	case land:
		p := &c.path[s]
		g := *p.at(p.head)
		p.head++
		if !g.lost {
			c.receive(s^1, &g, now)
		}
	case retransmission:
		c.timeout(s, now)
	case delayedAck:
		c.transmit(s, c.end[s].nxt, 0, ack, now)
	case readBuffer:
		c.read(s, now)
	case application:
		c.act(s, now)
	}
	return nil
}

// link is the network on both sides of the tap.
type link struct {
	far, near int64   // one-way delays to the clients and to the servers, nanoseconds
	perByte   float64 // at the bottleneck of the far link, nanoseconds
	loss      float64 // share of segments that the far link loses
}

const (
	lineByte = 0.8 // a byte at 10 Gb/s, nanoseconds
	overhead = 78  // link and network headers of a segment, about
)

// route sets the times of a segment, or drops it if it is lost before the tap.
func (c *conn) route(s int, g *segment, now int64) {
	p, l := &c.path[s], &c.link
	size := float64(overhead + int(g.length))
	lost := l.loss > 0 && c.rng.Float64() < l.loss
	ready := now + int64(c.rng.Uint32N(12_000)) + 2_000 // the host's own time
	if s == client {
		g.tapAt = max(ready+l.far, p.lastTap+int64(size*l.perByte))
		g.landAt = max(g.tapAt+l.near, p.lastLand+int64(size*lineByte))
	} else {
		g.tapAt = max(ready+l.near, p.lastTap+int64(size*lineByte))
		g.landAt = max(g.tapAt+l.far, p.lastLand+int64(size*l.perByte))
		g.lost = lost || c.fault == finLost && g.flags&fin != 0
	}
	p.lastTap, p.lastLand = g.tapAt, g.landAt
	if lost && s == client {
		p.tail--
	}
}

// within draws a number from a range, evenly.
func (c *conn) within(from, to int64) int64 { return from + c.rng.Int64N(to-from+1) }

// about draws a number from a range, evenly by its logarithm: as many between
// 1 and 10 as between 10 and 100.
func (c *conn) about(from, to float64) float64 {
	return from * math.Pow(to/from, c.rng.Float64())
}
