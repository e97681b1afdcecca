package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// A Close is the record of a connection that closes in order, from its first FIN on: few
// segments, within a second. Nearly all connections end like this, and an ordinary close
// need not be watched as long as it stays one. The zero value is not ready: call
// [Close.Begin].
//
// For each segment it holds what a [reassembly.Mark] does, in 28 bytes.
type Close struct {
	first int64      // trace time of the first FIN
	more  *closeMore // nil as long as it has no more steps than those
	file  uint16
	n     uint8
	acked uint8 // a bit for each side whose FIN was acknowledged
	steps [closeFirst]closeStep
}

// closeFirst is FIN, ACK, FIN, ACK, and an ACK of data that went before the first FIN. Few closes have more steps: an ACK
// for every other segment of a flight that went before it. maxCloseSteps are those of a flight of 56.
const (
	closeFirst    = 5
	maxCloseSteps = 32
)

type closeMore [maxCloseSteps - closeFirst]closeStep

// A CloseRoom is room for more steps that nobody uses any more.
type CloseRoom struct{ idle []*closeMore }

// Take takes back the room that the close has for more steps.
func (room *CloseRoom) Take(r *Close) {
	if r.more != nil {
		room.idle = append(room.idle, r.more)
		r.more = nil
	}
}

// further is the next step of a close that has no room left for it in itself.
func (r *Close) further(room *CloseRoom) *closeStep {
	if r.more == nil {
		room.extend(r)
	}
	return &r.more[r.n-closeFirst]
}

// extend gives the close room for more steps.
func (room *CloseRoom) extend(r *Close) {
	if last := len(room.idle) - 1; last >= 0 {
		r.more, room.idle = room.idle[last], room.idle[:last]
		return
	}
	r.more = new(closeMore)
}

func (r *Close) step(i uint8) *closeStep {
	if i < closeFirst {
		return &r.steps[i]
	}
	return &r.more[i-closeFirst]
}

// CloseGrace is how long a close may take that is not watched.
const CloseGrace = HalfCloseGrace

type closeStep struct {
	after  uint32 // nanoseconds since the first FIN
	frame  uint32
	seq    reassembly.Seq
	ack    reassembly.Seq
	size   uint16
	window uint16
	ipid   uint16
	flags  reassembly.Flags
	ttl    uint8
	kinds  uint8 // of closeKinds, by place
	side   reassembly.Side
	class  Class
	place  reassembly.Placement
}

// closeKinds are what segments of an ordinary close bring, in this order: for the other
// side, and then for the segment's own. Note has them in the same order.
var closeKinds = [...]Kind{Advanced, FinAcked, DataSent, FinSent, Sent}

var closing = On(closeKinds[:]...)

// Begin begins the record with the segment that brought the events, a FIN. It reports
// false if that is not as ordinary as it seems.
func (r *Close) Begin(ev *Events) bool {
	*r = Close{first: ev.seg.At, file: ev.seg.File}
	return ev.Kinds.Has(FinSent) && r.Note(ev, nil)
}

// Note adds the segment that brought the events. It reports false, and adds nothing, if
// that does not belong to an ordinary close.
func (r *Close) Note(ev *Events, room *CloseRoom) bool {
	seg := ev.seg
	after := seg.At - r.first
	if ev.Kinds&^closing != 0 || r.n == maxCloseSteps || uint64(after) >= uint64(CloseGrace) || seg.Len > 1<<16-1 || seg.File != r.file {
		return false
	}
	own := ev.list[(ev.n-1)%maxEvents].side                     // of Sent
	if ev.Kinds.Has(FinAcked) && !ev.is(FinAcked, own.Peer()) { // the ACK was captured before the FIN
		return false
	}
	var s *closeStep
	if r.n < closeFirst {
		s = &r.steps[r.n]
	} else {
		s = r.further(room)
	}
	s.after, s.frame, s.seq, s.ack = uint32(after), seg.Frame, seg.Seq, seg.Ack
	s.size, s.window, s.ipid, s.flags, s.ttl = uint16(seg.Len), seg.Window, seg.IPID, seg.Flags, seg.TTL
	s.side, s.class, s.place = own, ev.Class, ev.place
	s.kinds = uint8(ev.Kinds>>Advanced&1<<0 | ev.Kinds>>FinAcked&1<<1 | ev.Kinds>>DataSent&1<<2 | ev.Kinds>>FinSent&1<<3 | ev.Kinds>>Sent&1<<4)
	if ev.Kinds.Has(FinAcked) {
		r.acked |= 1 << own.Peer()
	}
	r.n++
	return true
}

// Over reports whether both FINs were acknowledged.
func (r *Close) Over() bool { return r.acked == 3 }

// Until is when the close has taken too long, unless it is over.
func (r *Close) Until() int64 { return r.first + int64(CloseGrace) }

// Events are those of the segments recorded, in order. Each is valid until the next;
// ev and seg are used for that. Of the segments they hold what a Mark does.
func (r *Close) Events(c View, ev *Events, seg *reassembly.Segment, yield func()) {
	for i := range r.n {
		s := r.step(i)
		m := reassembly.Mark{At: r.first + int64(s.after), Frame: s.frame, Seq: s.seq, Ack: s.ack, Len: uint32(s.size),
			File: r.file, Window: s.window, IPID: s.ipid, Flags: s.flags, TTL: s.ttl}
		*seg = m.Segment(c.Endpoint(s.side), c.Endpoint(s.side.Peer()))
		ev.reset(c.c, seg)
		ev.Class, ev.place = s.class, s.place
		for i, k := range closeKinds {
			if s.kinds&(1<<i) == 0 {
				continue
			}
			side := s.side
			if k == Advanced || k == FinAcked {
				side = s.side.Peer()
			}
			ev.add(k, side, 0)
		}
		yield()
	}
}

// is reports whether the events have one of that kind, of that side.
func (e *Events) is(k Kind, side reassembly.Side) bool {
	for i := range e.list[:e.n] {
		if l := &e.list[i]; l.kind == k {
			return l.side == side
		}
	}
	return false
}
