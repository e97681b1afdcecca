package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// Phase is how far one direction of a connection has come, by evidence.
type Phase uint8

// The phases, between the four milestones of a direction.
const (
	PhaseIdle     Phase = iota // nothing sent
	PhaseOpening               // SYN sent, not acknowledged
	PhaseOpen                  // SYN acknowledged, or the connection was found running
	PhaseFinSent               // FIN sent, not acknowledged
	PhaseFinAcked              // FIN acknowledged
)

type directionBits uint16

const (
	closedSecond directionBits = 1 << iota // acknowledged the peer's FIN before, or with, its own
	synAckLost                             // repeated its SYN after an ACK of it was seen, and none since
	finAckLost                             // repeated its FIN after an ACK of it was seen, and none since
	finFirst                               // sent its FIN before its SYN was acknowledged (figure 5: SYN_RECEIVED to FIN_WAIT_1)
	doubted                                // phase rests on an ACK that may not have arrived; see doubt
	spoke                                  // sent something without SYN
	shut                                   // advertises window 0
	synSeen                                // its SYN was captured, with its options
	finSecond                              // its FIN came after the peer's
	timing                                 // a segment of this direction is being timed
	oversize                               // sent a segment larger than the peer's MSS: see Oversize
	unpushed                               // its last payload filled a segment or the window, without PSH: more was queued (RFC 9293 3.9.1.2)
	shrank                                 // took back window that it had offered: its edge is not all that it has offered
	countsIDs                              // its last two IP identifications follow one another
	variesTTL                              // its segments came with more than one TTL
	challenged                             // its last segment is a challenge ACK
)

// stateBits are those from which states are derived, in addition to the phases.
const stateBits = closedSecond | synAckLost | finAckLost | finFirst | spoke

// A direction is one direction of a connection: four milestones and what casts
// doubt on them.
type direction struct {
	FIN   reassembly.Seq // of the FIN itself; valid from phase PhaseFinSent on
	doubt reassembly.Seq // once this side acknowledges beyond it, doubted is settled
	Phase Phase
	ids   idSteps
	bits  directionBits
}

func (h *direction) is(b directionBits) bool { return h.bits&b != 0 }

// seenBySelf is the phase as its own side must see it: one step back where a repeated SYN
// or FIN shows that the ACK was lost beyond the tap.
func (h *direction) seenBySelf() Phase {
	switch {
	case h.bits&(finAckLost|synAckLost) == 0: // nearly always
	case h.Phase == PhaseFinAcked && h.is(finAckLost):
		return PhaseFinSent
	case h.Phase == PhaseOpen && h.is(synAckLost) && !h.is(spoke):
		return PhaseOpening
	}
	return h.Phase
}

// seenByPeer is the phase as the peer knows it: a FIN says nothing to a side that
// has not received the SYN yet.
func (h *direction) seenByPeer() Phase {
	if h.Phase == PhaseFinSent && h.is(finFirst) {
		return PhaseOpening
	}
	return h.Phase
}
