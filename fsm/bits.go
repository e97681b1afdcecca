package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// endBits are what a side's answer in the handshake shows, see Relayed, and its close.
type endBits uint8

const (
	acksSooner endBits = 1 << iota // its ACKs come much sooner than the answer did
	atLeast                        // the answer took that long or longer: what it answers was sent again, or it was not captured, and this is the soonest of its ACKs
	asked                          // it sent FIN with payload, or right behind payload, before any answer to that
	carried                        // its FIN came with payload that was not seen before: who acknowledges that has the FIN
	askedShort                     // that payload was shorter than ShortPayload
	ackSoon                        // its last ACK that was timed came so soon, see timeAfterBare
	withdrawn                      // a FIN in its name was not its own, and it has sent none
	doubled                        // payload of it arrived twice, as its peer's D-SACK shows, though it had sent none again
)

type connBits uint32

const (
	aIsLo connBits = 1 << iota
	midstream
	optionsCut
	duplicates
	skippedIDs
	resetByA
	resetByB
	pendingByA // a doubtful RST of A waits for what comes next
	pendingByB
	challengeA // A sent a SYN or RST that calls for a challenge ACK (RFC 5961)
	challengeB
	rejectedByA // the last implausible segment was A's
	outlivedA   // A has another connection on the four-tuple, and said nothing in this one since
	outlivedB
	openA // A has not closed, although B ended the connection with a RST: see stayedOpen, and resetAgain
	openB
	foreignA // the RST that A seems to have sent does not fit A: see foreignReset
	foreignB
	foreignFINofA // the FIN that A seems to have sent does not fit A
	foreignFINofB
	deniedFINofA // a segment of A denies its FIN: see afterFIN
	deniedFINofB
	takenFINofA // B acknowledged a FIN that was not A's own: for B, A has closed
	takenFINofB
	unobserved // there is time in which nobody captured it
	textNoIP   // of textMask
	textPartly // of textMask
	seqUnknown
	timeUnknown
	contested // A's SYN may be forged: A has, or had, another connection on the four-tuple
	settled   // see settle
	copiedID  // B's SYN-ACK has the IP identification of A's SYN
)

// textMask has one of four values: 0 is no text; textNoIP a text without IP identification and TTL;
// textNoWindow one without windows, too; textPartly one in which segments are missing, beside which
// nothing else that it lacks matters.
const (
	textMask     = textNoIP | textPartly
	textNoWindow = textNoIP | textPartly
)

// resetBit, pendingBit, challengeBit, outlivedBit, openBit, foreignBit,
// foreignFINBit, deniedFINBit and takenFINBit pick a side's bit. The mask spares a check of
// how far to shift.
func resetBit(s reassembly.Side) connBits { return resetByA << (s & 1) }

func pendingBit(s reassembly.Side) connBits { return pendingByA << (s & 1) }

func challengeBit(s reassembly.Side) connBits { return challengeA << (s & 1) }

func outlivedBit(s reassembly.Side) connBits { return outlivedA << (s & 1) }

func openBit(s reassembly.Side) connBits { return openA << (s & 1) }

func foreignBit(s reassembly.Side) connBits { return foreignA << (s & 1) }

func foreignFINBit(s reassembly.Side) connBits { return foreignFINofA << (s & 1) }

func deniedFINBit(s reassembly.Side) connBits { return deniedFINofA << (s & 1) }

func takenFINBit(s reassembly.Side) connBits { return takenFINofA << (s & 1) }
