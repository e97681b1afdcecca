package fsm

import (
	"unsafe"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A step of the record of a close is mostly the last segment of its side.
const (
	closeIsLast = 1 << iota
	closeOfB
	closePlaceShift = iota
	closeClassShift = closePlaceShift + 3
	closeKindsShift = closeClassShift + 5
)

// packedSteps is for how many steps there are groups. Those of few records have more: they follow as they are.
const packedSteps = 6

func (r *Close) pack(p *Packer, c *Conn, base *compactBase) {
	var whats [packedSteps]uint32
	n := min(r.n, packedSteps)
	for i := range n {
		whats[i] = r.step(i).what(c, r.first)
	}
	p.put(uint32(base.at-r.first), whats[0]|whats[1]<<16, whats[2]|whats[3]<<16, whats[4]|whats[5]<<16)
	for i := range n {
		if whats[i]&closeIsLast != 0 {
			p.skip(2)
			continue
		}
		s := r.step(i)
		own, peer := c.both(s.side)
		m := &own.last
		p.put(s.after, base.frame-s.frame, uint32(s.size)|uint32(s.window-m.Window)<<16, uint32(m.IPID-s.ipid)|uint32(s.flags^m.Flags)<<16|uint32(s.ttl^m.TTL)<<24)
		p.put(uint32(own.out.Nxt-s.seq), uint32(peer.out.Nxt-s.ack), 0, 0)
	}
}

// what is the step without the numbers of its segment, in sixteen bits.
func (s *closeStep) what(c *Conn, first int64) uint32 {
	what := uint32(s.side)*closeOfB | uint32(s.place)<<closePlaceShift | uint32(s.class)<<closeClassShift | uint32(s.kinds)<<closeKindsShift
	if m := &c.ends[s.side&1].last; s.frame == m.Frame && s.after == uint32(m.At-first) && s.seq == m.Seq && s.ack == m.Ack && s.size == uint16(m.Len) &&
		s.window == m.Window && s.ipid == m.IPID && s.flags == m.Flags && s.ttl == m.TTL {
		what |= closeIsLast
	}
	return what
}

func (r *Close) unpack(p *Packer, c *Conn, base *compactBase) {
	v := p.get()
	r.first = base.at - int64(v[0])
	for i := range min(r.n, packedSteps) {
		s := r.step(i)
		what := v[1+i/2] >> (16 * (i & 1)) & (1<<16 - 1)
		like := closeStep{side: reassembly.Side(what / closeOfB & 1), place: reassembly.Placement(what >> closePlaceShift & 7),
			class: Class(what >> closeClassShift & 31), kinds: uint8(what >> closeKindsShift)}
		own, peer := c.both(like.side)
		m, x, y := &own.last, p.get(), p.get()
		if what&closeIsLast != 0 {
			*s = stepOf(m, r.first).like(&like)
			continue
		}
		*s = closeStep{after: x[0], frame: base.frame - x[1], size: uint16(x[2]), window: m.Window + uint16(x[2]>>16),
			ipid: m.IPID - uint16(x[3]), flags: m.Flags ^ reassembly.Flags(x[3]>>16), ttl: m.TTL ^ uint8(x[3]>>24),
			seq: own.out.Nxt - reassembly.Seq(y[0]), ack: peer.out.Nxt - reassembly.Seq(y[1])}
		*s = s.like(&like)
	}
}

// packMore adds the steps for which there are no groups.
func (r *Close) packMore(b []byte) []byte {
	for i := uint8(packedSteps); i < r.n; i++ {
		b = append(b, r.step(i).bytes()[:]...)
	}
	return b
}

// unpackMore reads them.
func (r *Close) unpackMore(b []byte) {
	for i := uint8(packedSteps); i < r.n; i++ {
		b = b[copy(r.step(i).bytes()[:], b):]
	}
}

// bytes are those of the step, which has no pointers.
func (s *closeStep) bytes() *[unsafe.Sizeof(closeStep{})]byte {
	return (*[unsafe.Sizeof(closeStep{})]byte)(unsafe.Pointer(s))
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
