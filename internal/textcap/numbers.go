package textcap

import "github.com/tcptrace-go/tcptrace/reassembly"

// maxConns bounds how many connections are remembered. Then all are forgotten.
const maxConns = 1 << 18

// numbers turns printed sequence numbers into those of the segments.
type numbers struct {
	conns map[reassembly.Key]*conn
	votes votes // of all connections
}

// A conn is what is known of a connection's numbers. Sides are those of the key.
type conn struct {
	begun     bool // base is what the printer counts from
	excerpt   bool // the first numbers were relative already: nothing is known of the real ones
	base      [2]uint32
	next      [2]uint32 // SND.NXT
	known     [2]bool   // next is known
	scale     [2]uint8
	synSeen   [2]bool
	synNext   [2]uint32 // what follows the SYN
	ended     bool      // a FIN or RST was seen
	votes     votes
	quoteLost bool       // an ICMP error quoted a segment that is not known
	sent      [2][8]sent // the last segments
	lastSent  [2]sent
	count     uint32 // connections on the four-tuple so far
}

// votes say how tcpdump was called: with -S, numbers are raw.
type votes struct{ raw, relative int }

// complete fills in the sequence numbers of a segment.
func (n *numbers) complete(p *printed) {
	seg := &p.seg
	c, side := n.conn(seg)
	if c.quoteLost {
		seg.Missing |= reassembly.MissingIP
	}
	switch p.space {
	case spaceTcpdump:
		n.tcpdump(c, p, side)
	case spaceWireshark:
		c.wireshark(p, side)
	default:
		seg.Seq, seg.Ack = reassembly.Seq(p.seq), reassembly.Seq(p.ack)
	}
	if !p.hasSeq {
		c.guess(p, side)
	}
	if seg.Flags&reassembly.ACK == 0 {
		seg.Ack = 0
	}
	c.note(seg, side)
	c.remember(seg, side, p.ipLen)
	p.unscale(c, side)
}

// conn is the connection of a segment, and the side that sent it.
func (n *numbers) conn(seg *reassembly.Segment) (c *conn, side int) {
	key, fromLo := reassembly.KeyOf(seg)
	side = 1
	if fromLo {
		side = 0
	}
	if len(n.conns) >= maxConns || n.conns == nil {
		n.conns = map[reassembly.Key]*conn{}
	}
	if c = n.conns[key]; c == nil {
		c = new(conn)
		n.conns[key] = c
	}
	return c, side
}

// guess gives an empty segment without a number SND.NXT, which a host's
// acknowledgments carry (RFC 9293 3.10.7.4).
func (c *conn) guess(p *printed, side int) {
	p.seg.Missing |= reassembly.MissingSeq
	if !c.known[side] {
		c.next[side], c.known[side] = c.base[side]+1, true
	}
	p.seg.Seq = reassembly.Seq(c.next[side])
}

// note remembers what a segment says.
func (c *conn) note(seg *reassembly.Segment, side int) {
	if seg.Flags&reassembly.SYN != 0 {
		c.synSeen[side], c.synNext[side], c.scale[side] = true, uint32(seg.End()), 0
		if seg.Opts.Has&reassembly.HasScale != 0 {
			c.scale[side] = seg.Opts.Scale | hasScale
		}
	}
	if seg.Flags&(reassembly.FIN|reassembly.RST) != 0 {
		c.ended = true
	}
	if seg.Flags&reassembly.RST != 0 {
		return // it may be forged, or answer another connection
	}
	c.advance(side, uint32(seg.End()), seg.Flags&reassembly.SYN != 0)
	if seg.Flags&reassembly.ACK != 0 {
		c.advance(1-side, uint32(seg.Ack), seg.Flags&reassembly.SYN != 0)
	}
}

// advance moves SND.NXT on, or sets it.
func (c *conn) advance(side int, to uint32, set bool) {
	if set || !c.known[side] || int32(to-c.next[side]) > 0 {
		c.next[side], c.known[side] = to, true
	}
}

// tcpdump does as print-tcp.c: the first segment of a connection that has ACK, and
// each with SYN, is printed as it is, and later ones that have ACK relative to it.
func (n *numbers) tcpdump(c *conn, p *printed, side int) {
	seg := &p.seg
	switch {
	case seg.Flags&reassembly.ACK == 0:
		if seg.Flags&reassembly.SYN != 0 {
			c.excerpt = false
		}
		if c.excerpt { // a bare RST is never relative, and the base is unknown
			p.hasSeq = false
		}
		seg.Seq = reassembly.Seq(p.seq)
	case !c.begun || seg.Flags&reassembly.SYN != 0:
		c.begin(p, side)
		seg.Seq, seg.Ack = reassembly.Seq(p.seq), reassembly.Seq(p.ack)
	default:
		switch {
		case !p.hasSeq:
		case seg.Flags&reassembly.RST != 0 && (p.seq == 0 || p.seq == -c.base[side]): // answers a SYN (RFC 9293 3.10.7.1)
			seg.Seq = 0
		default:
			seg.Seq = reassembly.Seq(n.resolve(c, p.seq, side))
		}
		seg.Ack = reassembly.Seq(n.resolve(c, p.ack, 1-side))
	}
	o := &seg.Opts
	for i := range o.Blocks[:o.NBlocks] {
		b := &o.Blocks[i]
		if c.begun && seg.Flags&reassembly.SYN == 0 {
			b.From = reassembly.Seq(n.resolve(c, uint32(b.From), 1-side))
			b.To = reassembly.Seq(n.resolve(c, uint32(b.To), 1-side))
		}
	}
}

// small is what relative numbers are below, and few raw ones.
const small = 1 << 24

// begin notes what later numbers are relative to.
func (c *conn) begin(p *printed, side int) {
	syn := p.seg.Flags&reassembly.SYN != 0
	c.begun = true
	c.excerpt = !syn && p.ack < small && (!p.hasSeq || p.seq < small)
	switch {
	case c.excerpt:
		c.base = [2]uint32{}
		return
	case p.hasSeq:
		c.base[side] = p.seq
	case c.known[side]: // from a SYN, which is printed as it is
		c.base[side] = c.next[side]
	default:
		c.base[side] = made
		c.next[side], c.known[side] = made, true
	}
	c.base[1-side] = p.ack - 1
}

// made is the first sequence number where the text has none.
const made = 1_000_000_000

// resolve is a number of one side's sequence space as it was sent. Whether it is
// relative follows from what would be next: mostly one of the two is near.
func (n *numbers) resolve(c *conn, printed uint32, side int) uint32 {
	base := c.base[side]
	if base == 0 {
		return printed
	}
	expected := base
	if c.known[side] {
		expected = c.next[side]
	}
	raw, relative := distance(printed, expected), distance(base+printed, expected)
	if c.synSeen[side] && (printed == c.synNext[side]) != (base+printed == c.synNext[side]) { // the SYN was printed as it is
		raw, relative = distance(printed, c.synNext[side]), distance(base+printed, c.synNext[side])
	}
	if min(raw, relative) < 1<<26 {
		switch {
		case 16*raw < relative:
			c.votes.raw++
			n.votes.raw++
		case 16*relative < raw:
			c.votes.relative++
			n.votes.relative++
		}
	}
	v := c.votes
	if v.raw == v.relative {
		v = n.votes
	}
	if v.raw > v.relative || v.raw == v.relative && printed >= small && relative >= small {
		return printed
	}
	return base + printed
}

func distance(a, b uint32) uint64 {
	d := int64(int32(a - b))
	return uint64(max(d, -d))
}

// hasScale marks a window scale as one that the SYN carried.
const hasScale = 0x80

// unscale turns a window that Wireshark has scaled into the one of the header.
func (p *printed) unscale(c *conn, side int) {
	if p.scaled && p.seg.Flags&reassembly.SYN == 0 && c.scale[0]&c.scale[1]&hasScale != 0 {
		p.window >>= min(c.scale[side]&^hasScale, 14)
	}
}

// wireshark counts from the first segment of a connection. Several connections of
// one four-tuple get different initial sequence numbers.
func (c *conn) wireshark(p *printed, side int) {
	seg := &p.seg
	syn := seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN
	over := p.reused || c.ended || c.known[side] && c.next[side] != c.base[side]+1
	if syn && c.begun && p.seq == 0 && !p.resent && over {
		*c = conn{count: c.count + 1, quoteLost: c.quoteLost}
		c.base = [2]uint32{c.count << 28, c.count << 28}
		seg.Missing |= reassembly.MissingSeq // whether its number is higher than the last connection's
	}
	if seg.Flags&reassembly.SYN != 0 && !syn && p.seq == 0 && p.reused && c.known[side] { // another SYN-ACK
		c.base[side] += 1 << 24
	}
	c.begun = true
	seg.Seq, seg.Ack = reassembly.Seq(c.base[side]+p.seq), reassembly.Seq(c.base[1-side]+p.ack)
	o := &seg.Opts
	for i := range o.Blocks[:o.NBlocks] {
		o.Blocks[i].From += reassembly.Seq(c.base[1-side])
		o.Blocks[i].To += reassembly.Seq(c.base[1-side])
	}
}
