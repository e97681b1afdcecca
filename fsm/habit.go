package fsm

import (
	"math"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a side usually does, by which somebody else's segment in its name can be
// recognised; and for how long neither side sent anything.

// orderlyStep is by how much the IP identifications of two successive segments
// may differ in a host that counts them, with other connections in between.
const orderlyStep = 16

// Habits are how a side marks its packets: evidence of who sent one in its name.
type Habits struct {
	CountsIDs bool   // its last two IPv4 identifications follow one another, with room for packets of other connections in between
	VariesTTL bool   // its segments came with more than one TTL
	Numbered  bool   // its IPv4 identifications counted up, those of 0 left out
	CopiesID  bool   // its SYN-ACK has the identification of the SYN that it answers: it was made from that
	Device    Device // from which all its segments came; see OtherDevice
	Behind    int    // by how much the identification of its last segment lies below the greatest before it: it came late
	Copied    bool   // its FIN, or what it sent after that, was captured more than once
}

// otherHop is by how much a TTL must differ to come from another host: a path may have a
// hop more or less for a while, or a load balancer in front of the host that is a hop
// nearer.
const otherHop = 2

// firstTTLs are those with which stacks send.
var firstTTLs = [...]uint8{32, 64, 128, 255}

// FirstTTL is the TTL with which a packet was sent that has this one, as no path is longer.
func FirstTTL(ttl uint8) uint8 {
	for _, first := range firstTTLs {
		if ttl <= first {
			return first
		}
	}
	return 0
}

// Unrouted reports whether a packet with this TTL has passed no router: it is one with which stacks send.
func Unrouted(ttl uint8) bool { return ttl == FirstTTL(ttl) }

// MayFollow reports whether a packet with the second TTL may be a copy of one with the first that was captured before. Each router lowers it;
// higher by so much, it came through another device that sets it, such as another front end of a server.
func MayFollow(first, second uint8) bool { return int(second) < int(first)+int(firstTTLs[0]) }

// SameHops reports whether packets with these TTLs may have passed the same number of routers, give or take one, though
// they did not begin with the same.
func SameHops(one, other uint8) bool {
	for _, a := range firstTTLs {
		for _, b := range firstTTLs {
			if far := (int(a) - int(one)) - (int(b) - int(other)); a != b && a >= one && b >= other && far >= -1 && far <= 1 {
				return true
			}
		}
	}
	return false
}

// OtherTTL reports whether a segment has another TTL than all others of its side, of
// which last is the last.
func (h Habits) OtherTTL(last, m *reassembly.Mark) bool {
	d := int(m.TTL) - int(last.TTL)
	return last.At != 0 && !h.VariesTTL && (d >= otherHop || d <= -otherHop)
}

// idStep is how far a counted IP ID may advance at once, and in each second: a host
// counts the packets of all its connections, and may have been busy meanwhile.
const idStep = 4096

// OtherID reports whether the side counts its IP IDs and cannot have come to that of the
// segment; last is the side's last before it. After 15 s it can have come to any. 0 is no
// count: Linux gives it to a RST without a socket (RFC 6864 4.1).
func (h Habits) OtherID(last, m *reassembly.Mark) bool {
	if last.At == 0 || !h.CountsIDs || m.IPID == 0 || last.IPID == 0 {
		return false
	}
	gap := int64(m.IPID-last.IPID-1) + 1 // the same once more is a full turn
	return gap > idStep+idStep*max(m.At-last.At, 0)/int64(time.Second)
}

// follows reports whether the side counts its IP IDs, and that of the segment is next;
// last is the side's last before it.
func (h Habits) follows(last, m *reassembly.Mark) bool {
	return h.CountsIDs && nextID(last.IPID, m.IPID)
}

// nextID reports whether a host that counts its IP IDs gives the one right after the other,
// with room for packets of other connections in between.
func nextID(last, id uint16) bool {
	return id != 0 && last != 0 && id != last && id-last <= orderlyStep
}

// foreign reports whether the segment, by its TTL or IP ID, is not its side's own.
func (s *step) foreign() bool {
	h := s.own.dir.habits()
	var m reassembly.Mark
	m.Set(s.seg)
	return h.OtherTTL(&s.own.last, &m) || h.OtherID(&s.own.last, &m)
}

func (h *direction) habits() Habits {
	return Habits{CountsIDs: h.is(countsIDs), VariesTTL: h.is(variesTTL), Numbered: h.ids&(idStepsMax|idJumped) != 0 && h.counted(), Copied: h.ids&copied != 0}
}

// habits are those of the side, with what the connection knows.
func (c *Conn) habits(side reassembly.Side) Habits {
	h := c.ends[side].dir.habits()
	h.CopiesID = side == reassembly.B && c.bits&copiedID != 0
	h.Behind, h.Device = int(c.ends[side].ahead), c.ends[side].device
	return h
}

// minCopied is the least identification by which a copy can be told: a host that has just started counts from 1,
// and two of them may have come as far.
const minCopied = 256

// copies reports whether the SYN-ACK has the identification of the SYN: by chance, one in 65,536 has. A
// device that answers SYNs for others (a SYN proxy, a filter) makes the answer from the SYN.
func (s *step) copies() bool {
	syn := &s.peer.last
	return s.seg.IPID >= minCopied && s.seg.IPID == syn.IPID && syn.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN
}

// habits notes how the side marks its packets.
func (s *step) habits() {
	h, last := &s.own.dir, &s.own.last
	h.bits &^= challenged
	if s.class == ChallengeAck {
		h.bits |= challenged
	}
	if last.At == 0 || s.c.bits&foreignFINBit(s.side) != 0 && (s.seg.Flags|last.Flags)&reassembly.FIN != 0 {
		return
	}
	s.own.mark(s.seg)
}

// mark notes how the side marks its packets, of which the segment is the one after its last.
func (e *end) mark(seg *reassembly.Segment) {
	last, bits := &e.last, e.dir.bits&^countsIDs
	if seg.TTL != last.TTL {
		bits |= variesTTL
		e.dir.stepTTL(seg, last)
	}
	if Device(seg.Link>>24) != e.device {
		e.device = mixed
	}
	if seg.IPID != 0 && last.IPID != 0 {
		greatest := e.greatestID()
		if step := seg.IPID - greatest; step != 0 || !e.dir.shareID(seg, last) {
			e.dir.stepID(step)
		}
		e.ahead = aheadOf(seg.IPID, greatest)
		if seg.IPID-last.IPID-1 < orderlyStep {
			bits |= countsIDs
		}
	}
	e.dir.bits = bits
}

// noteIdle notes for how long neither side had sent anything, if the segment ends that.
// Until the other side sends something the longest counts: what is sent again, or on,
// without an answer breaks no new silence. Nor does the acknowledgment of what
// the tap has not seen: it was sent meanwhile.
func (s *step) noteIdle() {
	if s.ev.Kinds.Has(HoleAcked) { // the peer has sent something, at an unknown time
		s.c.idle = 0
		return
	}
	s.c.noteIdle(s.own, s.peer, s.seg.At, s.class)
}

// breaksSilence reports whether neither side had sent anything for a second before at. If not, there is
// nothing to note unless a silence was noted before.
func (e *end) breaksSilence(peer *end, at int64) bool {
	return at-max(e.last.At, peer.last.At) >= int64(time.Second)
}

func (c *Conn) noteIdle(own, peer *end, at int64, class Class) {
	before := max(own.last.At, peer.last.At)
	if before == 0 {
		return
	}
	first := peer.last.At >= own.last.At // its side had not spoken last
	if first {
		c.idle = 0
	}
	gap := at - before
	if gap < int64(time.Second) || !first && (class == Retransmission || class == Probe) {
		return
	}
	c.idle = max(c.idle, silenceOf(gap))
}

// A silence is a time in 16 bits, rounded down: to 10 ms below 100 s, 100 ms below 1,000 s, a second
// below ten hours, and a minute to eight days, the longest. Middleboxes forget connections after full
// seconds, so that it matters on which side of one a short silence lies.
type silence uint16

// silences are the units, the longest first, and where each begins.
var silences = [...]struct {
	from silence
	time time.Duration
	unit time.Duration
}{
	{54000, 10 * time.Hour, time.Minute},
	{19000, 1000 * time.Second, time.Second},
	{10000, 100 * time.Second, 100 * time.Millisecond},
	{0, 0, 10 * time.Millisecond},
}

func silenceOf(ns int64) silence {
	for _, u := range &silences {
		if gap := time.Duration(ns) - u.time; gap >= 0 {
			return silence(min(int64(u.from)+int64(gap/u.unit), math.MaxUint16))
		}
	}
	return 0
}

func (s silence) duration() time.Duration {
	for _, u := range &silences {
		if s >= u.from {
			return u.time + time.Duration(s-u.from)*u.unit
		}
	}
	return 0
}
