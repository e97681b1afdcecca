package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// The history of a connection, after Zeek's: one letter per new fact, in order,
// capitals for side A. It holds the first twelve.
const (
	historyLetters = "SHADFRTWKPG"
	historyLen     = 12
	historyBits    = 5 // per letter: index and side
)

const (
	wroteS = iota // SYN
	wroteH        // SYN-ACK
	wroteA        // pure ACK
	wroteD        // data
	wroteF        // FIN
	wroteR        // RST
	wroteT        // retransmission
	wroteW        // window 0
	wroteK        // keep-alive
	wroteP        // zero-window probe
	wroteG        // a gap: the peer acknowledged what the tap never saw of it
)

// resent are the events of something sent again.
const resent Kinds = 1<<DataResent | 1<<SynResent | 1<<FinResent

// write notes the letters that the segment adds.
func (c *Conn) write(side reassembly.Side, seg *reassembly.Segment, kinds Kinds, class Class) {
	switch {
	case seg.Flags&reassembly.RST != 0:
		c.letter(side, wroteR)
		return
	case seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN|reassembly.ACK:
		c.letter(side, wroteH)
		return
	case seg.Flags&reassembly.SYN != 0:
		c.letter(side, wroteS)
		return
	case class == KeepAlive:
		c.letter(side, wroteK)
	case class == Probe:
		c.letter(side, wroteP)
	case seg.Len > 0:
		c.letter(side, wroteD)
	case seg.Flags&reassembly.FIN == 0:
		c.letter(side, wroteA)
	}
	if kinds&(resent|1<<HoleAcked|1<<WindowShut|1<<FinSent) == 0 {
		return
	}
	if kinds.Has(HoleAcked) {
		c.letter(side.Peer(), wroteG)
	}
	if kinds.Has(WindowShut) {
		c.letter(side, wroteW)
	}
	if kinds&resent != 0 {
		c.letter(side, wroteT)
	}
	if kinds.Has(FinSent) {
		c.letter(side, wroteF)
	}
}

// letter writes one letter unless the side has it already. The low bits of
// wrote say which letters are there, the high ones how many.
func (c *Conn) letter(side reassembly.Side, l uint32) {
	code := l*2 + uint32(side)
	if c.wrote>>(code&31)&1 != 0 {
		return
	}
	n := c.wrote >> 24
	if n == historyLen {
		return
	}
	c.history |= uint64(code) << (n * historyBits)
	c.wrote |= 1 << code
	c.wrote += 1 << 24
}

// History is what happened, in letters: "ShADadFf".
func (c *Conn) History() string {
	var b [historyLen]byte
	n := c.wrote >> 24
	for i := range n {
		code := c.history >> (i * historyBits) & (1<<historyBits - 1)
		b[i] = historyLetters[code/2]
		if code%2 == 1 {
			b[i] += 'a' - 'A'
		}
	}
	return string(b[:n])
}
