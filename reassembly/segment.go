package reassembly

import (
	"encoding/binary"
	"net/netip"
)

// Flags are the eight classic TCP flag bits, as in byte 13 of the header
// (RFC 9293 3.1).
type Flags uint8

// The flag bits in wire order.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Has reports whether every bit of want is set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Any reports whether at least one bit of want is set.
func (f Flags) Any(want Flags) bool { return f&want != 0 }

// String writes the flags as tcpdump does: "S", "S.", "P.", "F.", "R", ".",
// or "none".
func (f Flags) String() string {
	if f == 0 {
		return "none"
	}
	var b [8]byte
	n := 0
	for _, l := range [...]struct {
		bit Flags
		ch  byte
	}{{FIN, 'F'}, {SYN, 'S'}, {RST, 'R'}, {PSH, 'P'}, {URG, 'U'}, {CWR, 'W'}, {ECE, 'E'}, {ACK, '.'}} {
		if f&l.bit != 0 {
			b[n] = l.ch
			n++
		}
	}
	return string(b[:n])
}

// An Endpoint is one end of a connection: an address (IPv4 as ::ffff:a.b.c.d)
// and a port. It is flat, because netip.AddrPort holds a pointer that the
// garbage collector would have to chase in every flow.
type Endpoint struct {
	Addr [16]byte
	Port uint16
}

// EndpointFrom converts a netip.AddrPort; zones are dropped.
func EndpointFrom(ap netip.AddrPort) Endpoint {
	return Endpoint{Addr: ap.Addr().As16(), Port: ap.Port()}
}

// Is reports whether two endpoints are the same. On the path that every segment
// takes it costs less than ==, which calls memequal.
func (e *Endpoint) Is(f *Endpoint) bool {
	le := binary.LittleEndian
	return e.Port == f.Port && le.Uint64(e.Addr[8:]) == le.Uint64(f.Addr[8:]) && le.Uint64(e.Addr[:]) == le.Uint64(f.Addr[:])
}

// Differs has bits where the two endpoints differ: it is 0 if they are the same.
func (e *Endpoint) Differs(f *Endpoint) uint64 {
	le := binary.LittleEndian
	return le.Uint64(e.Addr[8:]) ^ le.Uint64(f.Addr[8:]) | le.Uint64(e.Addr[:]) ^ le.Uint64(f.Addr[:]) | uint64(e.Port) ^ uint64(f.Port)
}

// AddrPort converts to netip, with IPv4 unmapped.
func (e Endpoint) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.Addr).Unmap(), e.Port)
}

// String is "addr:port", "[v6]:port" for IPv6.
func (e Endpoint) String() string { return e.AddrPort().String() }

// OptionBits say which TCP options a segment carried, and what the capture
// did to them.
type OptionBits uint8

// The options that matter to the two ends' shared state.
const (
	HasMSS           OptionBits = 1 << iota // RFC 9293 3.7.1
	HasScale                                // RFC 7323 2
	HasSACKPermitted                        // RFC 2018 2
	HasTimestamps                           // RFC 7323 3
	OptionsCut                              // the capture ends inside the options
	OptionsMalformed                        // an option lies about its length; what precedes it holds
	FalseEcho                               // of a connection: its SYN-ACK echoes another timestamp than that of the SYN, so nothing follows from later ones
	HasMPTCP                                // RFC 8684 3
)

// LacksMSS reports whether a SYN with these options has no MSS, as nearly every TCP sends (RFC 9293 3.7.1).
func (b OptionBits) LacksMSS() bool { return b&(HasMSS|OptionsCut|OptionsMalformed) == 0 }

// A Block is one SACK block, in the sequence space of the segment's receiver
// (RFC 2018 3).
type Block struct{ From, To Seq }

// Holds reports whether all of c lies within b.
func (b Block) Holds(c Block) bool { return b.From.AtOrBefore(c.From) && c.To.AtOrBefore(b.To) }

// Meets reports whether the two blocks have a byte in common.
func (b Block) Meets(c Block) bool { return b.From.Before(c.To) && c.From.Before(b.To) }

// Options are the TCP options of one segment, as fixed fields. A field means
// something only if its bit in Has is set (Blocks: if NBlocks > 0).
type Options struct {
	Has     OptionBits
	Scale   uint8  // window-scale shift as sent; RFC 7323 2.3 caps its use at 14
	NBlocks uint8  // how many of Blocks are filled, 0..4
	MSS     uint16 // bytes
	TSVal   uint32
	TSEcr   uint32
	Blocks  [4]Block
}

// A Segment is one TCP segment as the tap saw it. It is flat: copy it, keep it.
type Segment struct {
	At      int64  // nanoseconds since 1970, never far behind what came before (see capture.Trace)
	Frame   uint32 // 1-based position in its file, as Wireshark counts: its low 32 bits
	Seq     Seq
	Ack     Seq    // valid if Flags.Has(ACK)
	Len     uint32 // payload bytes on the wire, even if the capture cut them
	Tunnel  uint32 // hash of VLAN tags and tunnel identifiers, 0 for none
	Link    uint32 // hash of the link-layer addresses, 0 for none: tells duplicate frames apart; see also IsRetry
	File    uint16 // which input, in order of the command line
	Window  uint16 // as on the wire, unscaled
	IPID    uint16 // IPv4 identification of the innermost header; 0 in IPv6
	Flags   Flags
	TTL     uint8 // of the innermost IP header
	Src     Endpoint
	Dst     Endpoint
	Opts    Options
	ICMP    ICMP    // of a segment that an ICMP error quotes: see IsQuote
	Tap     uint8   // which of several capture points of the same connections saw it, from 0
	Missing Missing // what the text that the segment comes from does not have
}

// retried is the bit of Link that says that the frame is one that the link layer sent again, as it had no acknowledgment: Wi-Fi
// (IEEE 802.11 9.2.4.1.7, Retry). The upper half of Link is 0 otherwise where it names no sender, as there, and more than 1 where it does.
const retried = 1 << 16

// SetRetry says that the link layer sent the frame again.
func (s *Segment) SetRetry() { s.Link |= retried }

// IsRetry reports whether the link layer sent the frame again: what the frame before it carried was sent once.
func (s *Segment) IsRetry() bool { return s.Link&^(retried-1) == retried }

// LinkAddresses is the hash of the link-layer addresses alone.
func (s *Segment) LinkAddresses() uint32 {
	if s.IsRetry() {
		return s.Link &^ retried
	}
	return s.Link
}

// Missing says what the source of a segment does not have, because it is text
// that somebody pasted. The fields themselves hold a guess.
type Missing uint8

// What text may lack.
const (
	MissingIP       Missing = 1 << iota // identification and TTL
	MissingSeq                          // tcpdump prints no sequence number for an empty segment without -vv
	MissingWindow                       // the window, and the length of what it carries
	MissingTime                         // the time
	MissingSegments                     // segments that the hosts sent before: the text shows something else of them, such as what is above TCP
)

// Twice is what the options of a segment with this acknowledgment number say to have arrived twice: a D-SACK is the
// first block, if it lies below the ACK or within the second (RFC 2883 4).
func (o *Options) Twice(ack Seq) (b Block, is bool) {
	if o.NBlocks == 0 {
		return b, false
	}
	b = o.Blocks[0]
	return b, b.From.Before(b.To) && (b.To.AtOrBefore(ack) || o.NBlocks > 1 && o.Blocks[1].Holds(b))
}

// SeqLen is the length in sequence space: payload plus one for each of SYN and
// FIN (RFC 9293 3.4).
func (s *Segment) SeqLen() uint32 {
	n := s.Len
	if s.Flags&SYN != 0 {
		n++
	}
	if s.Flags&FIN != 0 {
		n++
	}
	return n
}

// End is the sequence number after the segment: Seq + SeqLen.
func (s *Segment) End() Seq { return s.Seq + Seq(s.SeqLen()) }

// FINSeq is the sequence number of the FIN itself; meaningful only if the
// segment carries one.
func (s *Segment) FINSeq() Seq { return s.End() - 1 }

// A Mark is a Segment in 32 bytes: what a connection keeps of the last thing
// each side sent. Addresses come from the connection; options are gone.
type Mark struct {
	At     int64
	Frame  uint32
	Seq    Seq
	Ack    Seq
	Len    uint32
	File   uint16
	Window uint16
	IPID   uint16
	Flags  Flags
	TTL    uint8
}

// MarkOf shortens a segment.
func MarkOf(s *Segment) Mark {
	return Mark{s.At, s.Frame, s.Seq, s.Ack, s.Len, s.File, s.Window, s.IPID, s.Flags, s.TTL}
}

// Set makes m the mark of a segment. It costs half of what MarkOf does, whose result is copied.
func (m *Mark) Set(s *Segment) {
	m.At, m.Frame, m.Seq, m.Ack, m.Len = s.At, s.Frame, s.Seq, s.Ack, s.Len
	m.File, m.Window, m.IPID, m.Flags, m.TTL = s.File, s.Window, s.IPID, s.Flags, s.TTL
}

// Segment is the mark as a segment from src to dst.
func (m *Mark) Segment(src, dst Endpoint) Segment {
	return Segment{At: m.At, Frame: m.Frame, Seq: m.Seq, Ack: m.Ack, Len: m.Len, File: m.File,
		Window: m.Window, IPID: m.IPID, Flags: m.Flags, TTL: m.TTL, Src: src, Dst: dst}
}

// SeqLen is the length in sequence space, as [Segment.SeqLen].
func (m *Mark) SeqLen() uint32 {
	s := Segment{Len: m.Len, Flags: m.Flags}
	return s.SeqLen()
}

// End is the sequence number after the segment, as [Segment.End].
func (m *Mark) End() Seq { return m.Seq + Seq(m.SeqLen()) }
