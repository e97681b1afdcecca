package tracegen

// TCP flag bits (RFC 9293 3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// maxSACK is how many SACK blocks fit beside timestamps (RFC 2018 3).
const maxSACK = 3

// A span is a stretch of sequence space, to exclusive.
type span struct{ from, to uint32 }

// A segment is one TCP segment in the network. Sequence and acknowledgment numbers
// are relative to the ISS of their end.
type segment struct {
	tapAt  int64 // when the tap sees it
	landAt int64 // when it reaches the receiver
	seq    uint32
	ack    uint32
	tsVal  uint32
	tsEcr  uint32
	sack   [maxSACK]span
	length uint16 // payload bytes
	window uint16
	ipid   uint16
	nsack  uint8
	flags  uint8
	lost   bool // after the tap
}

// end is the sequence number after the segment, SYN and FIN counted.
func (g *segment) end() uint32 {
	n := g.seq + uint32(g.length)
	if g.flags&(syn|fin) != 0 {
		n++
	}
	return n
}

// A path carries the segments of one direction past the tap, in order. It is a
// ring; segments from index tap on have not passed the tap yet. Its size is a
// power of two.
type path struct {
	ring            []segment
	head, tap, tail uint32
	lastTap         int64 // when the newest one passes the tap
	lastLand        int64 // when the newest one reaches the receiver
}

func (p *path) at(i uint32) *segment { return &p.ring[i&uint32(len(p.ring)-1)] }

// enter makes room for a segment at the tail.
func (p *path) enter() *segment {
	if int(p.tail-p.head) == len(p.ring) {
		p.grow()
	}
	g := p.at(p.tail)
	p.tail++
	return g
}

func (p *path) grow() {
	bigger := path{ring: make([]segment, max(8, 2*len(p.ring)))}
	for i := p.head; i != p.tail; i++ {
		*bigger.at(i) = *p.at(i)
	}
	p.ring = bigger.ring
}

// tapAt is when the next segment passes the tap, landAt when the next one reaches
// the receiver.
func (p *path) tapAt() int64 {
	if p.tap == p.tail {
		return never
	}
	return p.at(p.tap).tapAt
}

func (p *path) landAt() int64 {
	if p.head == p.tap {
		return never
	}
	return p.at(p.head).landAt
}

// clear empties the path and keeps its ring.
func (p *path) clear() { *p = path{ring: p.ring} }
