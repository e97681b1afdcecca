package fsm

import (
	"encoding/binary"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Most connections of a capture have closed in order, and each may still get a segment. They
// are kept as compact records: every field as its difference from what it mostly is, by
// others, and these packed. Nothing is lost: a connection of which something has no place
// in the record is not compacted.

// What a record begins with: the number of steps of the close, and bits.
const (
	compactSteps  = 1<<3 - 1
	compactIPv6   = 1 << 3 // else both addresses are IPv4
	compactExtraA = 1 << 4 // A has extra numbers
	compactExtraB = 1 << 5
	compactSeldom = 1 << 6 // it has a tunnel, or a hole
)

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
	if c.bits&(pendingByA|pendingByB) != 0 || c.beyond != 0 || letters > historyLen || c.wrote != lettersOf(c.history, letters) || c.history>>(historyLen*historyBits) != 0 || !x.fits(&base, c.file) || !y.fits(&base, c.file) ||
		of != nil && (!of.Over() || of.file != c.file || uint64(base.at-of.first) > math.MaxUint32) {
		return nil
	}
	what := uint32(0)
	if x.extra(&base) != (endExtra{}) {
		what |= compactExtraA
	}
	if y.extra(&base) != (endExtra{}) {
		what |= compactExtraB
	}
	if c.tunnel|c.hole != 0 {
		what |= compactSeldom
	}
	if of != nil {
		what |= uint32(of.n)
	}
	c.packStart(p, what, base.frame)
	open := uint64(base.at - c.first)
	p.put(uint32(base.at), uint32(base.at>>32), uint32(open), uint32(open>>32))
	p.put(uint32(c.history), uint32(c.history>>32)|letters<<28, c.second, uint32(c.idle)|uint32(c.file)<<16)
	p.put(uint32(x.out.Nxt-x.out.ISS), uint32(y.out.Nxt-y.out.ISS), uint32(x.scale)|uint32(y.scale)<<8|uint32(x.opts)<<16|uint32(y.opts)<<24, uint32(x.mss)|uint32(y.mss)<<16)
	if what&compactSeldom != 0 {
		p.put(c.tunnel, c.hole, 0, 0)
	}
	scaleX, scaleY := c.scaleOf(reassembly.A), c.scaleOf(reassembly.B)
	x.pack(p, y, &base, scaleX, scaleY)
	y.pack(p, x, &base, scaleY, scaleX)
	if what&compactExtraA != 0 {
		x.packExtra(p, &base)
	}
	if what&compactExtraB != 0 {
		y.packExtra(p, &base)
	}
	if of != nil {
		of.pack(p, c, &base)
	}
	return p.pack()
}

// Expand makes the connection of a compact record, and the record of its close if there is
// one.
func (c *Conn) Expand(b []byte, of *Close) (closed bool) {
	*c = Conn{}
	u := unpacker{b}
	x, y := &c.ends[0], &c.ends[1]
	what, frame := c.unpackStart(&u)
	v := u.get()
	base := compactBase{at: int64(v[0]) | int64(v[1])<<32, frame: frame}
	c.first = base.at - (int64(v[2]) | int64(v[3])<<32)
	base.first = c.first
	v = u.get()
	c.history, c.second, c.idle, c.file = uint64(v[0])|uint64(v[1]<<4>>4)<<32, v[2], uint16(v[3]), uint16(v[3]>>16)
	c.wrote = lettersOf(c.history, v[1]>>28)
	v = u.get()
	x.out.Nxt, y.out.Nxt = x.out.ISS+reassembly.Seq(v[0]), y.out.ISS+reassembly.Seq(v[1])
	x.scale, y.scale, x.opts, y.opts = uint8(v[2]), uint8(v[2]>>8), reassembly.OptionBits(v[2]>>16), reassembly.OptionBits(v[2]>>24)
	x.mss, y.mss = uint16(v[3]), uint16(v[3]>>16)
	if what&compactSeldom != 0 {
		v = u.get()
		c.tunnel, c.hole = v[0], v[1]
	}
	scaleX, scaleY := c.scaleOf(reassembly.A), c.scaleOf(reassembly.B)
	x.unpack(&u, y, &base, scaleX)
	y.unpack(&u, x, &base, scaleY)
	x.finish(y, scaleY, c.file)
	y.finish(x, scaleX, c.file)
	x.since, y.since = base.at, base.at
	if what&compactExtraA != 0 {
		x.unpackExtra(&u, &base)
	}
	if what&compactExtraB != 0 {
		y.unpackExtra(&u, &base)
	}
	n := what & compactSteps
	if n == 0 {
		return false
	}
	*of = Close{file: c.file, n: uint8(n), acked: 3}
	of.unpack(&u, c, &base)
	return true
}

// packStart packs what a record begins with: who, and with which numbers.
func (c *Conn) packStart(p *Packer, what, frame uint32) {
	lo, hi := &c.key.Lo, &c.key.Hi
	if !isIPv4(lo) || !isIPv4(hi) {
		what |= compactIPv6
	}
	p.put(what, addressWord(lo, 12), addressWord(hi, 12), uint32(lo.Port)|uint32(hi.Port)<<16)
	if what&compactIPv6 != 0 {
		p.put(addressWord(lo, 0), addressWord(lo, 4), addressWord(lo, 8), 0)
		p.put(addressWord(hi, 0), addressWord(hi, 4), addressWord(hi, 8), 0)
	}
	p.put(uint32(c.bits), uint32(c.ends[0].out.ISS), uint32(c.ends[1].out.ISS), frame)
}

func (c *Conn) unpackStart(u *unpacker) (what, frame uint32) {
	v := u.get()
	what = v[0]
	lo, hi := &c.key.Lo, &c.key.Hi
	lo.Port, hi.Port = uint16(v[3]), uint16(v[3]>>16)
	for i, e := range [...]*reassembly.Endpoint{lo, hi} {
		binary.BigEndian.PutUint32(e.Addr[12:], v[1+i])
		binary.BigEndian.PutUint32(e.Addr[8:], 0xffff)
	}
	if what&compactIPv6 != 0 {
		for _, e := range [...]*reassembly.Endpoint{lo, hi} {
			v := u.get()
			for i := range 3 {
				binary.BigEndian.PutUint32(e.Addr[4*i:], v[i])
			}
		}
	}
	v = u.get()
	c.bits = connBits(v[0])
	c.ends[0].out.ISS, c.ends[1].out.ISS = reassembly.Seq(v[1]), reassembly.Seq(v[2])
	return what, v[3]
}

// CompactISNs are the ends of a compacted connection, by side, and the first sequence numbers.
func CompactISNs(b []byte) (ends [2]reassembly.Endpoint, iss [2]reassembly.Seq) {
	var c Conn
	c.unpackStart(&unpacker{b})
	return [2]reassembly.Endpoint{c.Endpoint(reassembly.A), c.Endpoint(reassembly.B)}, [2]reassembly.Seq{c.ends[0].out.ISS, c.ends[1].out.ISS}
}

func addressWord(e *reassembly.Endpoint, at int) uint32 { return binary.BigEndian.Uint32(e.Addr[at:]) }

func isIPv4(e *reassembly.Endpoint) bool {
	return binary.BigEndian.Uint64(e.Addr[:]) == 0 && addressWord(e, 8) == 0xffff
}

// fits reports whether the FIN was acknowledged, and all that has no place in a record is as
// it mostly is.
func (e *end) fits(base *compactBase, file uint16) bool {
	return e.dir.Phase == PhaseFinAcked && e.dir.FIN == e.out.Nxt-1 && e.out == reassembly.Finished(e.out.ISS, e.out.Nxt, e.out.Edge) && e.last.File == file &&
		uint64(base.at-e.last.At)|uint64(base.at-e.since)|e.bytes <= math.MaxUint32 &&
		e.quietAt == 0 && e.tries == 0 && e.row|e.dups == 0 && !e.sacked && e.wrote == 0
}

func (e *end) pack(p *Packer, peer *end, base *compactBase, scale, peerScale uint8) {
	m, nxt, peerNxt := &e.last, e.out.Nxt, peer.out.Nxt
	p.put(uint32(base.at-m.At), base.frame-m.Frame, uint32(m.Window)|uint32(m.IPID)<<16, uint32(m.Flags)|uint32(m.TTL)<<8|uint32(e.state)<<16)
	p.put(uint32(nxt-m.Seq), uint32(peerNxt-m.Ack), uint32(e.out.Edge-edgeOf(&peer.last, peerScale)), uint32(peerNxt-e.dir.doubt))
	p.put(base.clock(m.At)-e.rttAt, uint32(nxt-e.rttSeq), uint32(nxt-e.wl1), e.srtt)
	p.put(e.srtt/2-e.rttvar, e.answer, e.maxWnd-uint32(m.Window)<<scale, e.packets)
	p.put(uint32(e.acks)|uint32(e.ahead)<<8|uint32(e.dir.ids)<<16|uint32(e.bits)<<24, uint32(e.dir.bits)|uint32(m.IPID-e.wlID)<<16, uint32(e.bytes)-e.recent[0], e.recent[1])
}

// unpack is the reverse, but for what other parts of the record say as well.
func (e *end) unpack(u *unpacker, peer *end, base *compactBase, scale uint8) {
	m, nxt, peerNxt := &e.last, e.out.Nxt, peer.out.Nxt
	v := u.get()
	m.At, m.Frame, m.Window, m.IPID = base.at-int64(v[0]), base.frame-v[1], uint16(v[2]), uint16(v[2]>>16)
	m.Flags, m.TTL, e.state = reassembly.Flags(v[3]), uint8(v[3]>>8), State(v[3]>>16)
	v = u.get()
	m.Seq, m.Ack, e.out.Edge, e.dir.doubt = nxt-reassembly.Seq(v[0]), peerNxt-reassembly.Seq(v[1]), reassembly.Seq(v[2]), peerNxt-reassembly.Seq(v[3])
	v = u.get()
	e.rttAt, e.rttSeq, e.wl1, e.srtt = base.clock(m.At)-v[0], nxt-reassembly.Seq(v[1]), nxt-reassembly.Seq(v[2]), v[3]
	v = u.get()
	e.rttvar, e.answer, e.maxWnd, e.packets = e.srtt/2-v[0], v[1], v[2]+uint32(m.Window)<<scale, v[3]
	v = u.get()
	e.acks, e.ahead, e.dir.ids, e.bits = uint8(v[0]), uint8(v[0]>>8), idSteps(v[0]>>16), endBits(v[0]>>24)
	e.bytes = e.payload()
	e.dir.bits, e.wlID, e.recent[0], e.recent[1] = directionBits(v[1]), m.IPID-uint16(v[1]>>16), uint32(e.bytes)-v[2], v[3]
}

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

// An endExtra is what else there is of an end; mostly nothing.
type endExtra struct{ since, length, bytes, rexmits uint32 }

func (e *end) extra(base *compactBase) endExtra {
	return endExtra{uint32(base.at - e.since), e.last.Len, uint32(e.payload() - e.bytes), e.rexmits}
}

func (e *end) packExtra(p *Packer, base *compactBase) {
	x := e.extra(base)
	p.put(x.since, x.length, x.bytes, x.rexmits)
}

func (e *end) unpackExtra(u *unpacker, base *compactBase) {
	v := u.get()
	e.since, e.last.Len, e.rexmits = base.at-int64(v[0]), v[1], v[3]
	recent := uint32(e.bytes) - e.recent[0]
	e.bytes = uint64(uint32(e.payload()) - v[2])
	e.recent[0] = uint32(e.bytes) - recent
}

// A step of the record of a close is mostly the last segment of its side.
const (
	closeIsLast = 1 << iota
	closeOfB
	closePlaceShift = iota
	closeClassShift = closePlaceShift + 3
	closeKindsShift = closeClassShift + 5
)

func (r *Close) pack(p *Packer, c *Conn, base *compactBase) {
	var whats [maxCloseSteps]uint32
	for i := range r.steps[:r.n] {
		whats[i] = r.steps[i].what(c, r.first)
	}
	p.put(uint32(base.at-r.first), whats[0]|whats[1]<<16, whats[2]|whats[3]<<16, whats[4]|whats[5]<<16)
	for i := range r.steps[:r.n] {
		if whats[i]&closeIsLast != 0 {
			continue
		}
		s := &r.steps[i]
		own, peer := c.both(s.side)
		m := &own.last
		p.put(s.after, base.frame-s.frame, uint32(s.size)|uint32(s.window-m.Window)<<16, uint32(s.flags^m.Flags)|uint32(s.ttl^m.TTL)<<8|uint32(m.IPID-s.ipid)<<16)
		p.put(uint32(own.out.Nxt-s.seq), uint32(peer.out.Nxt-s.ack), 0, 0)
	}
}

// what is the step but for the numbers of its segment, in sixteen bits.
func (s *closeStep) what(c *Conn, first int64) uint32 {
	what := uint32(s.side)*closeOfB | uint32(s.place)<<closePlaceShift | uint32(s.class)<<closeClassShift | uint32(s.kinds)<<closeKindsShift
	if m := &c.ends[s.side&1].last; s.frame == m.Frame && *s == stepOf(m, first).like(s) {
		what |= closeIsLast
	}
	return what
}

func (r *Close) unpack(u *unpacker, c *Conn, base *compactBase) {
	v := u.get()
	r.first = base.at - int64(v[0])
	for i := range r.steps[:r.n] {
		s := &r.steps[i]
		what := v[1+i/2] >> (16 * (i & 1)) & (1<<16 - 1)
		like := closeStep{side: reassembly.Side(what / closeOfB & 1), place: reassembly.Placement(what >> closePlaceShift & 7),
			class: Class(what >> closeClassShift & 31), kinds: uint8(what >> closeKindsShift)}
		own, peer := c.both(like.side)
		m := &own.last
		if what&closeIsLast != 0 {
			*s = stepOf(m, r.first).like(&like)
			continue
		}
		x, y := u.get(), u.get()
		*s = closeStep{after: x[0], frame: base.frame - x[1], size: uint16(x[2]), window: m.Window + uint16(x[2]>>16),
			flags: m.Flags ^ reassembly.Flags(x[3]), ttl: m.TTL ^ uint8(x[3]>>8), ipid: m.IPID - uint16(x[3]>>16),
			seq: own.out.Nxt - reassembly.Seq(y[0]), ack: peer.out.Nxt - reassembly.Seq(y[1])}
		*s = s.like(&like)
	}
}

// stepOf is a segment in the record of a close that began at first.
func stepOf(m *reassembly.Mark, first int64) closeStep {
	return closeStep{after: uint32(m.At - first), frame: m.Frame, seq: m.Seq, ack: m.Ack, size: uint16(m.Len), window: m.Window, ipid: m.IPID, flags: m.Flags, ttl: m.TTL}
}

// like is the step with what o says of its class.
func (s closeStep) like(o *closeStep) closeStep {
	s.kinds, s.side, s.class, s.place = o.kinds, o.side, o.class, o.place
	return s
}

// lettersOf is Conn.wrote of a history of so many letters.
func lettersOf(history uint64, n uint32) uint32 {
	wrote := n << 24
	for ; n > 0; n-- {
		wrote |= 1 << (history & (1<<historyBits - 1))
		history >>= historyBits
	}
	return wrote
}
