package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// idSteps is how the IPv4 identifications of a side's segments followed one another: the low
// bits are how many steps in a row went up a little. Others are about their TTLs, see stepTTL, about segments with one
// identification, see shareID, and about copies of its last packets.
type idSteps uint8

const (
	idStepsMax  idSteps = idsTrusted
	ttlStep     idSteps = 1 << 2
	ttlSteps            = 3 * ttlStep
	sharedID    idSteps = 1 << 4 // see shareID
	copied      idSteps = 1 << 6 // see Copied
	idJumped    idSteps = 1 << 7 // at least one step did not
	smallIDStep         = 1024   // a host counts for all its connections; drawn at random, one step in 64 is that small
	idsTrusted          = 3      // steps after which a host that jumped is taken to count
)

// stepID notes the step from the greatest identification to the next. A small step back by a
// host that counts means that a packet came late.
func (h *direction) stepID(step uint16) {
	run := h.ids & idStepsMax
	switch {
	case step != 0 && step <= smallIDStep:
		if run < idStepsMax {
			h.ids++
		}
	case run < idsTrusted || step == 0 || -step > smallIDStep:
		h.ids = idJumped | h.ids&(copied|ttlSteps|sharedID)
	}
}

// shareID reports whether the segment has the identification of the one before it, and other content; if the side counts, it notes
// that: at most one of the two is the host's own. What follows the one before may be: a card or router that cuts a segment into packets
// gives several one identification. So may be what a card has joined. One that dies on the way is a decoy: a program on the host, against packet
// inspection, makes it of the other.
func (h *direction) shareID(seg *reassembly.Segment, last *reassembly.Mark) bool {
	alike := seg.Seq == last.Seq && (seg.Len == last.Len || max(seg.Len, last.Len) > ethernetMSS)
	decoy := seg.TTL != last.TTL && min(seg.TTL, last.TTL) <= MostHops
	if alike || decoy || seg.Seq == last.End() || seg.IPID != last.IPID {
		return false
	} else if h.ids&idStepsMax == idsTrusted {
		h.ids |= sharedID
	}
	h.ids |= idJumped
	return true
}

// sharesID reports whether segments of the side have one identification and other content, though it counts: it did not send both.
// Somebody forged one, or a device on the way rewrote it.
func (h *direction) sharesID() bool { return h.ids&sharedID != 0 }

// MostHops is how many routers traceroute asks, unless told otherwise (traceroute(8), option -m).
const MostHops = 30

// stepTTL counts up to three steps in a row by which the TTL went up by one, from one packet with another TTL than that
// before it to the next, with none above MostHops: see probesPath.
func (h *direction) stepTTL(seg *reassembly.Segment, last *reassembly.Mark) {
	switch {
	case h.probesPath():
	case seg.TTL != last.TTL+1 || seg.TTL > MostHops || (seg.Flags|last.Flags)&reassembly.SYN != 0:
		h.ids &^= ttlSteps
	default:
		h.ids += ttlStep
	}
}

// probesPath reports whether segments of the side have probed the path, as traceroute does: no host counts TTLs up, and
// no path gets shorter step by step.
func (h *direction) probesPath() bool { return h.ids&ttlSteps == ttlSteps }

// counted reports whether the identifications count up, as far as is known.
func (h *direction) counted() bool { return h.ids&idStepsMax >= idsTrusted || h.ids&idJumped == 0 }

// Copied notes that a frame of the side was captured once more, which Step is not given: if the side has closed, and only its frames
// come twice, they may also have arrived twice.
func (c *Conn) Copied(side reassembly.Side) {
	if own, _ := c.both(side); own.dir.Phase >= PhaseFinSent {
		own.dir.ids |= copied
	}
}

// greatestID is the greatest IPv4 identification that was captured, as hosts count.
func (e *end) greatestID() uint16 { return e.last.IPID + uint16(e.ahead) }

// aheadOf is by how much the greatest identification lies beyond another, 0 if that is the
// greatest now, or if the host does not count.
func aheadOf(id, greatest uint16) uint8 {
	if ahead := greatest - id; ahead <= numbersApart {
		return uint8(ahead)
	}
	return 0
}
