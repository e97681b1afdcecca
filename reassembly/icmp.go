package reassembly

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// An ICMP is the head of an ICMP or ICMPv6 error that quotes a segment (RFC 792, RFC
// 4443). The zero value is none. Which of the two protocols it is follows from the
// quoted segment's addresses.
type ICMP struct {
	Type, Code uint8
}

// IsQuote reports whether the segment was not captured, but quoted by an ICMP error
// that was: its ICMP says which error. Source, destination, sequence number, payload
// length, IP identification and TTL are those of the quote, time, frame, tunnel and
// link-layer addresses those of the ICMP message. Flags, acknowledgment, window and
// options are unknown: many routers quote no more than eight bytes of TCP.
func (s *Segment) IsQuote() bool { return s.ICMP.Type != 0 }

// Reporter is the address of the host or router that sent the ICMP error. It takes the
// place of two SACK blocks, which no quote has: a field of its own would make every
// segment longer.
func (s *Segment) Reporter() (addr [16]byte) {
	for i, b := range s.Opts.Blocks[:2] {
		binary.BigEndian.PutUint32(addr[8*i:], uint32(b.From))
		binary.BigEndian.PutUint32(addr[8*i+4:], uint32(b.To))
	}
	return addr
}

// SetReporter sets the Reporter.
func (s *Segment) SetReporter(addr [16]byte) {
	for i := range s.Opts.Blocks[:2] {
		s.Opts.Blocks[i] = Block{Seq(binary.BigEndian.Uint32(addr[8*i:])), Seq(binary.BigEndian.Uint32(addr[8*i+4:]))}
	}
}

// ReporterName is the Reporter as sentences call it.
func (s *Segment) ReporterName() string { return netip.AddrFrom16(s.Reporter()).Unmap().String() }

// MTU is that of the next hop in bytes, as the ICMP error says; 0 if it was not told (before RFC 1191), 65535 if it is
// larger. It takes the place of the MSS, which no quote has.
func (s *Segment) MTU() uint16 { return s.Opts.MSS }

// SetMTU sets the MTU.
func (s *Segment) SetMTU(mtu uint16) { s.Opts.MSS = mtu }

// PacketLen is the length of the segment's IP packet in bytes, without IP options and
// extension headers. Of a quote it is what the quoted IP header says.
func (s *Segment) PacketLen() uint32 {
	const tcp, ipv4, ipv6 = 20, 20, 40
	n := uint32(0)
	if !s.IsQuote() {
		if s.Opts.Has&HasTimestamps != 0 {
			n += 12 // with padding (RFC 7323 appendix A)
		}
		if s.Opts.NBlocks > 0 {
			n += 4 + 8*uint32(s.Opts.NBlocks)
		}
	}
	if s.isIPv4() {
		return n + s.Len + tcp + ipv4
	}
	return n + s.Len + tcp + ipv6
}

func (s *Segment) isIPv4() bool { return netip.AddrFrom16(s.Src.Addr).Is4In6() }

// TooBig reports whether the ICMP error says that the quoted packet is larger than the
// MTU of a link, and was not to be fragmented: fragmentation needed (RFC 1191 4), or
// packet too big (RFC 8201 3).
func (s *Segment) TooBig() bool {
	if s.isIPv4() {
		return s.ICMP.Type == 3 && s.ICMP.Code == 4
	}
	return s.ICMP.Type == 2
}

// Expired reports whether the ICMP error says that the quoted packet's time to live ran
// out on its way: as a rule, routers send it in a circle.
func (s *Segment) Expired() bool {
	if s.isIPv4() {
		return s.ICMP.Type == 11 && s.ICMP.Code == 0
	}
	return s.ICMP.Type == 3 && s.ICMP.Code == 0
}

// Prohibited reports whether the ICMP error says that somebody does not want the packet
// to pass: a firewall's rule, or a router's (RFC 1812 5.2.7.1, RFC 4443 3.1).
func (s *Segment) Prohibited() bool {
	c := s.ICMP.Code
	if s.isIPv4() {
		return s.ICMP.Type == 3 && (c == 9 || c == 10 || c == 13)
	}
	return s.ICMP.Type == 1 && (c == 1 || c == 5 || c == 6)
}

// Unreachable reports whether the ICMP error says that the packet cannot be delivered to its host: no route, or nobody
// answers for the address on the last link (RFC 1812 5.2.7.1, RFC 4443 3.1).
func (s *Segment) Unreachable() bool {
	c := s.ICMP.Code
	if s.isIPv4() {
		return s.ICMP.Type == 3 && (c <= 1 || c >= 5 && c <= 8 || c == 11 || c == 12)
	}
	return s.ICMP.Type == 1 && (c == 0 || c == 2 || c == 3)
}

// RefusesSource reports whether the ICMP error says that the packet's source address is why it was not forwarded: its
// scope ends at the link, or an ingress filter does not let it pass from there (RFC 4443 3.1). IPv4 has no such codes.
func (s *Segment) RefusesSource() bool {
	return !s.isIPv4() && s.ICMP.Type == 1 && (s.ICMP.Code == 2 || s.ICMP.Code == 5)
}

// ICMPName is what the ICMP error says, in the words of the RFCs and of Wireshark.
func (s *Segment) ICMPName() string {
	names := icmpv6Names
	if s.isIPv4() {
		names = icmpNames
	}
	code := s.ICMP.Code
	codes := names[s.ICMP.Type]
	switch {
	case s.TooBig() && s.MTU() != 0:
		return fmt.Sprintf("%s, MTU %d", codes[min(int(code), len(codes)-1)], s.MTU())
	case int(code) < len(codes):
		return codes[code]
	}
	return fmt.Sprintf("type %d, code %d", s.ICMP.Type, code)
}

// icmpNames are the ICMP errors by type and code: RFC 792, RFC 1122 3.2.2.1, RFC 1812
// 5.2.7.1.
var icmpNames = map[uint8][]string{
	3: {
		"network unreachable", "host unreachable", "protocol unreachable", "port unreachable", "fragmentation needed", "source route failed",
		"destination network unknown", "destination host unknown", "source host isolated", "network administratively prohibited",
		"host administratively prohibited", "network unreachable for this type of service", "host unreachable for this type of service",
		"communication administratively prohibited", "host precedence violation", "precedence cutoff in effect",
	},
	11: {"time to live exceeded in transit", "fragment reassembly time exceeded"},
	12: {"parameter problem", "parameter problem: required option missing", "parameter problem: bad length"},
}

// icmpv6Names are the ICMPv6 errors: RFC 4443 3.
var icmpv6Names = map[uint8][]string{
	1: {
		"no route to destination", "communication administratively prohibited", "beyond scope of source address", "address unreachable",
		"port unreachable", "source address failed ingress/egress policy", "reject route to destination", "error in source routing header",
	},
	2: {"packet too big"},
	3: {"hop limit exceeded in transit", "fragment reassembly time exceeded"},
	4: {"parameter problem: erroneous header field", "parameter problem: unrecognized next header", "parameter problem: unrecognized IPv6 option"},
}
