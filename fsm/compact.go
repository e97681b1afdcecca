package fsm

import (
	"encoding/binary"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Most connections of a capture have closed in order, and each may still get a segment. They
// are kept as compact records: every field as its difference from what the other fields
// predict, packed. Nothing is lost: a connection that does not fit into the record is not
// compacted.

// A compactBase is what differences are taken from.
type compactBase struct {
	first, at int64  // of the connection, and of its last segment
	frame     uint32 // of the latter
}

// Compact returns the compact record of a connection, and of its close unless that is nil; nil
// if it cannot be compacted. It is valid until p is used again.
func (c *Conn) Compact(p *Packer, of *Close) []byte {
	x, y := &c.ends[0], &c.ends[1]
	base := compactBase{c.first, max(x.last.At, y.last.At), max(x.last.Frame, y.last.Frame)}
	letters := c.wrote >> 24
	historyFits := letters <= historyLen && c.wrote == lettersOf(c.history, letters) && c.history>>(historyLen*historyBits) == 0
	closeFits := of == nil || of.Over() && of.file == c.file && uint64(base.at-of.first) <= math.MaxUint32
	if c.bits&(pendingByA|pendingByB) != 0 || c.beyond != 0 || !historyFits || !closeFits || !x.fits(&base, c.file) || !y.fits(&base, c.file) {
		return nil
	}
	steps := uint32(0)
	if of != nil {
		steps = uint32(of.n)
	}
	p.begin(c.compactKind())
	lo, hi, open := &c.key.Lo, &c.key.Hi, uint64(base.at-c.first)
	p.put(uint32(x.out.ISS), uint32(y.out.ISS), base.frame, uint32(base.at))
	p.put(addressWord(lo, 12), addressWord(hi, 12), uint32(lo.Port)|uint32(hi.Port)<<16, uint32(c.bits))
	p.put(addressWord(lo, 0), addressWord(lo, 4), addressWord(lo, 8), c.tunnel)
	p.put(addressWord(hi, 0), addressWord(hi, 4), addressWord(hi, 8), c.hole)
	p.put(uint32(base.at>>32), uint32(open), uint32(open>>32), c.second)
	p.put(uint32(c.history), uint32(c.history>>32)|letters<<28, uint32(c.idle)|uint32(c.file)<<16, steps)
	p.put(uint32(x.out.Nxt-x.out.ISS), uint32(y.out.Nxt-y.out.ISS), uint32(x.scale)|uint32(y.scale)<<8|uint32(x.opts)<<16|uint32(y.opts)<<24, uint32(x.mss)|uint32(y.mss)<<16)
	scaleX, scaleY := c.scaleOf(reassembly.A), c.scaleOf(reassembly.B)
	x.pack(p, y, &base, scaleX, scaleY)
	y.pack(p, x, &base, scaleY, scaleX)
	if of == nil {
		return p.pack()
	}
	of.pack(p, c, &base)
	return of.packMore(p.pack())
}

// compactKind is one of a few kinds of connections that differ in more than numbers: in who
// closed first, and in what the hosts offered each other.
func (c *Conn) compactKind() uint8 {
	x, y := &c.ends[0], &c.ends[1]
	kind := uint32(x.scale)<<16 + uint32(y.scale)<<8 + uint32(x.opts)<<3 + uint32(y.opts) + uint32(x.mss)<<20 + uint32(y.mss)<<5
	if isIPv4(&c.key.Hi) {
		kind++
	}
	return uint8(kind*0x9E3779B1>>29)<<1 | uint8(c.FINRank(reassembly.A))
}

// Expand makes the connection of a compact record that p packed, and the record of its close
// if there is one.
func (c *Conn) Expand(p *Packer, b []byte, of *Close) (closed bool) {
	b = p.unpack(b, packedGroups)
	base := c.expandStart(p)
	x, y := &c.ends[0], &c.ends[1]
	v := p.get()
	base.at |= int64(v[0]) << 32
	c.first, c.second = base.at-(int64(v[1])|int64(v[2])<<32), v[3]
	base.first = c.first
	v = p.get()
	c.history, c.idle, c.file = uint64(v[0])|uint64(v[1]<<4>>4)<<32, silence(v[2]), uint16(v[2]>>16)
	c.wrote = lettersOf(c.history, v[1]>>28)
	steps := v[3]
	v = p.get()
	x.out.Nxt, y.out.Nxt = x.out.ISS+reassembly.Seq(v[0]), y.out.ISS+reassembly.Seq(v[1])
	x.scale, y.scale, x.opts, y.opts = uint8(v[2]), uint8(v[2]>>8), reassembly.OptionBits(v[2]>>16), reassembly.OptionBits(v[2]>>24)
	x.mss, y.mss = uint16(v[3]), uint16(v[3]>>16)
	scaleX, scaleY := c.scaleOf(reassembly.A), c.scaleOf(reassembly.B)
	x.unpack(p, y, &base, scaleX)
	y.unpack(p, x, &base, scaleY)
	x.finish(y, scaleY, c.file)
	y.finish(x, scaleX, c.file)
	if steps == 0 {
		return false
	}
	*of = Close{file: c.file, n: uint8(steps), acked: 3, more: of.more}
	if steps > closeFirst && of.more == nil {
		of.more = new(closeMore)
	}
	of.unpack(p, c, &base)
	of.unpackMore(b)
	return true
}

// startGroups is how many groups expandStart reads.
const startGroups = 4

// expandStart fills in what a record begins with: who, and with which numbers. Of the time in
// base, the lower half is known.
func (c *Conn) expandStart(p *Packer) (base compactBase) {
	*c = Conn{}
	lo, hi := &c.key.Lo, &c.key.Hi
	v := p.get()
	c.ends[0].out.ISS, c.ends[1].out.ISS, base.frame, base.at = reassembly.Seq(v[0]), reassembly.Seq(v[1]), v[2], int64(v[3])
	v = p.get()
	lo.Port, hi.Port, c.bits = uint16(v[2]), uint16(v[2]>>16), connBits(v[3])
	binary.BigEndian.PutUint32(lo.Addr[12:], v[0])
	binary.BigEndian.PutUint32(hi.Addr[12:], v[1])
	for _, e := range [...]*reassembly.Endpoint{lo, hi} {
		v = p.get()
		for i := range 3 {
			binary.BigEndian.PutUint32(e.Addr[4*i:], v[i])
		}
		c.tunnel, c.hole = c.hole, v[3]
	}
	return base
}

// ISNs are the ends of a connection that p compacted, by side, and the first sequence numbers.
func (p *Packer) ISNs(b []byte) (ends [2]reassembly.Endpoint, iss [2]reassembly.Seq) {
	var c Conn
	p.unpack(b, startGroups)
	c.expandStart(p)
	return [2]reassembly.Endpoint{c.Endpoint(reassembly.A), c.Endpoint(reassembly.B)}, [2]reassembly.Seq{c.ends[0].out.ISS, c.ends[1].out.ISS}
}

// ISN is A's of these numbers.
func (p *Packer) ISN(b []byte) reassembly.Seq { return reassembly.Seq(p.first(b)) }

// Ports are those of the ends of such a connection.
func (p *Packer) Ports(b []byte) (lo, hi uint16) {
	ports := p.third(b)
	return uint16(ports), uint16(ports >> 16)
}

func addressWord(e *reassembly.Endpoint, at int) uint32 { return binary.BigEndian.Uint32(e.Addr[at:]) }

func isIPv4(e *reassembly.Endpoint) bool {
	return binary.BigEndian.Uint64(e.Addr[:]) == 0 && addressWord(e, 8) == 0xffff
}

// fits reports whether the FIN was acknowledged, and everything that a record has no place
// for has its usual value.
func (e *end) fits(base *compactBase, file uint16) bool {
	return e.dir.Phase == PhaseFinAcked && e.dir.FIN == e.out.Nxt-1 && e.out == reassembly.Finished(e.out.ISS, e.out.Nxt, e.out.Edge) && e.last.File == file &&
		uint64(base.at-e.last.At)|uint64(base.at-e.since)|e.bytes <= math.MaxUint32 &&
		e.stamp == 0 && e.tries == 0 && e.row|e.dups == 0 && e.wrote == 0
}

func (e *end) pack(p *Packer, peer *end, base *compactBase, scale, peerScale uint8) {
	m, nxt, peerNxt := &e.last, e.out.Nxt, peer.out.Nxt
	p.put(uint32(base.at-m.At), base.frame-m.Frame, uint32(m.IPID)|uint32(m.Window)<<16, uint32(m.Flags)|uint32(m.TTL)<<8|uint32(e.state)<<16|uint32(e.device)<<24)
	p.put(uint32(nxt-m.Seq), uint32(peerNxt-m.Ack), uint32(e.out.Edge-edgeOf(&peer.last, peerScale)), uint32(peerNxt-e.dir.doubt))
	p.put(base.clock(m.At)-e.rttAt, uint32(nxt-e.rttSeq), uint32(nxt-e.wl1), e.srtt)
	p.put(signLast(e.srtt/2-e.rttvar), e.answer, e.maxWnd-uint32(m.Window)<<scale, e.packets)
	p.put(uint32(e.dir.ids)|uint32(e.bits)<<8|uint32(e.dir.bits)<<16, uint32(e.acks)|uint32(e.ahead)<<8|uint32(m.IPID-e.wlID)<<16, uint32(e.bytes)-e.recent[0], e.recent[1])
	p.put(uint32(base.at-e.since), m.Len, uint32(e.payload()-e.bytes), e.rexmits)
}

// unpack is the reverse, except for what other parts of the record say as well.
func (e *end) unpack(p *Packer, peer *end, base *compactBase, scale uint8) {
	m, nxt, peerNxt := &e.last, e.out.Nxt, peer.out.Nxt
	v := p.get()
	m.At, m.Frame, m.IPID, m.Window = base.at-int64(v[0]), base.frame-v[1], uint16(v[2]), uint16(v[2]>>16)
	m.Flags, m.TTL, e.state, e.device = reassembly.Flags(v[3]), uint8(v[3]>>8), State(v[3]>>16), Device(v[3]>>24)
	v = p.get()
	m.Seq, m.Ack, e.out.Edge, e.dir.doubt = nxt-reassembly.Seq(v[0]), peerNxt-reassembly.Seq(v[1]), reassembly.Seq(v[2]), peerNxt-reassembly.Seq(v[3])
	v = p.get()
	e.rttAt, e.rttSeq, e.wl1, e.srtt = base.clock(m.At)-v[0], nxt-reassembly.Seq(v[1]), nxt-reassembly.Seq(v[2]), v[3]
	v = p.get()
	e.rttvar, e.answer, e.maxWnd, e.packets = e.srtt/2-signFirst(v[0]), v[1], v[2]+uint32(m.Window)<<scale, v[3]
	v = p.get()
	e.dir.ids, e.bits, e.dir.bits = idSteps(v[0]), endBits(v[0]>>8), directionBits(v[0]>>16)
	e.acks, e.ahead, e.wlID = uint8(v[1]), uint8(v[1]>>8), m.IPID-uint16(v[1]>>16)
	before, recent := v[2], v[3]
	v = p.get()
	e.since, m.Len, e.rexmits = base.at-int64(v[0]), v[1], v[3]
	e.bytes = uint64(uint32(e.payload()) - v[2])
	e.recent = [2]uint32{uint32(e.bytes) - before, recent}
}

// signLast moves the sign of a number to its lowest bit, so that a small negative number is
// small, too; signFirst moves it back.
func signLast(n uint32) uint32  { return n<<1 ^ -(n >> 31) }
func signFirst(n uint32) uint32 { return n>>1 ^ -(n & 1) }

// finish fills in what follows from the last segments of both sides.
func (e *end) finish(peer *end, peerScale uint8, file uint16) {
	e.dir.Phase, e.dir.FIN, e.last.File = PhaseFinAcked, e.out.Nxt-1, file
	e.out = reassembly.Finished(e.out.ISS, e.out.Nxt, e.out.Edge+edgeOf(&peer.last, peerScale))
}

// payload is how many bytes there are between SYN and FIN.
func (e *end) payload() uint64 { return uint64(uint32(e.out.Nxt-e.out.ISS) - 2) }

// edgeOf is the right edge that a segment offers.
func edgeOf(m *reassembly.Mark, scale uint8) reassembly.Seq {
	return m.Ack + reassembly.Seq(m.Window)<<scale
}

// clock is Conn.clock.
func (b *compactBase) clock(at int64) uint32 { c := Conn{first: b.first}; return c.clock(at) }

// lettersOf is Conn.wrote of a history of so many letters.
func lettersOf(history uint64, n uint32) uint32 {
	wrote := n << 24
	for ; n > 0; n-- {
		wrote |= 1 << (history & (1<<historyBits - 1))
		history >>= historyBits
	}
	return wrote
}
