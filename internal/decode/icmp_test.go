package decode

import (
	"net/netip"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Errors quote as much of a segment as they like, at least eight bytes.
func TestDecode_icmp(t *testing.T) {
	segment := tcp(nil, make([]byte, 12))
	p4, p6 := ipv4(protoTCP, segment), ipv6(protoTCP, segment)
	big6 := []byte{2, 0, 0, 0, 0, 0, 5, 20}
	natted := append([]byte(nil), p4...)
	copy(natted[12:], []byte{203, 0, 113, 7})
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
		icmp  reassembly.ICMP
	}{
		{"whole", linkRaw, ipv4(protoICMP, cat([]byte{3, 4, 0, 0, 0, 0, 5, 120}, p4)), reassembly.ICMP{Type: 3, Code: 4, MTU: 1400}},
		{"eight bytes", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, p4[:28])), reassembly.ICMP{Type: 11}},
		{"options, too", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, ipv4(protoTCP, tcp(make([]byte, 20), make([]byte, 12)))[:33])), reassembly.ICMP{Type: 11}},
		{"a data offset that is too small", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, edit(p4, 32, 0x40))), reassembly.ICMP{Type: 11}},
		{"NAT translated the error and not the quote", linkRaw, ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 0, 0}, natted)), reassembly.ICMP{Type: 3, Code: 1}},
		{"IPv6", linkIPv6, ipv6(protoICMPv6, cat(big6, p6)), reassembly.ICMP{Type: 2, MTU: 1300}},
		{"IPv6, first fragment", linkIPv6, ipv6(protoICMPv6, cat(big6, ipv6(protoFragment, cat([]byte{6, 0, 0, 1, 0, 0, 0, 9}, segment)))), reassembly.ICMP{Type: 2, MTU: 1300}},
		{"IPv6, an MTU beyond 16 bits", linkIPv6, ipv6(protoICMPv6, cat([]byte{2, 0, 0, 0, 0, 1, 5, 20}, p6)), reassembly.ICMP{Type: 2, MTU: 65535}},
		{"IPv6, options before the segment", linkIPv6, ipv6(protoICMPv6, cat(big6, ipv6(protoDestOpts, extension(protoTCP, nil, segment)))), reassembly.ICMP{Type: 2, MTU: 1300}},
		{"no MTU", linkRaw, ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 5, 120}, p4)), reassembly.ICMP{Type: 3, Code: 1}},
		{"VLAN", linkEthernet, ethernet(typeVLAN, cat(be16(7, typeIPv4), ipv4(protoICMP, cat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, p4)))), reassembly.ICMP{Type: 3}},
		{"tunnel", linkRaw, ipv4(protoIPv4, ipv4(protoICMP, cat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, p4))), reassembly.ICMP{Type: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seg := reassembly.Segment{Ack: 7, Flags: reassembly.SYN, Window: 9, Opts: reassembly.Options{NBlocks: 3}}
			if r := New().Decode(c.link, c.frame, len(c.frame), 0, &seg); r != ICMPError {
				t.Fatalf("Decode: %v", r)
			}
			if seg.ICMP != c.icmp || !seg.IsQuote() {
				t.Errorf("%+v, want %+v", seg.ICMP, c.icmp)
			}
			if seg.Src.Port == 0 || seg.Dst.Port != 443 || seg.Len != 12 || seg.Ack != 0 || seg.Flags != 0 || seg.Opts.NBlocks != 0 {
				t.Errorf("%+v", seg)
			}
			receiver := addr6[1]
			if seg.Dst.AddrPort().Addr().Is4() {
				receiver = addr4[1]
			}
			if r := netip.AddrFrom16(seg.Reporter()).Unmap(); string(seg.Src.AddrPort().Addr().AsSlice()) != string(receiver) || r.IsUnspecified() {
				t.Errorf("reported by %v to %v", r, seg.Src)
			}
		})
	}
}

// What an error quotes is a segment only where its first bytes are those of TCP.
func TestDecode_icmpOfSomethingElse(t *testing.T) {
	segment := tcp(nil, make([]byte, 12))
	unreachable, big6 := []byte{3, 1, 0, 0, 0, 0, 0, 0}, []byte{2, 0, 0, 0, 0, 0, 5, 20}
	quoted6 := func(next uint8, payload []byte) []byte {
		return ipv6(protoICMPv6, cat(big6, ipv6(next, payload)))
	}
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
	}{
		{"a packet too short for TCP", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 3, 39)))},
		{"seven bytes of the segment", linkRaw, ipv4(protoICMP, cat(unreachable, ipv4(protoTCP, segment)[:27]))},
		{"IPv6, a later fragment", linkIPv6, quoted6(protoFragment, fragmentHeader(protoTCP, 8, 9, segment))},
		{"IPv6, authenticated", linkIPv6, quoted6(protoAH, cat([]byte{protoTCP, 4, 0, 0}, make([]byte, 36), segment))},
		{"IPv6, UDP", linkIPv6, quoted6(protoUDP, segment)},
	} {
		var seg reassembly.Segment
		if r := New().Decode(c.link, c.frame, len(c.frame), 0, &seg); r != NotTCP {
			t.Errorf("%s: %v, %+v", c.name, r, seg)
		}
	}
}

// What was decoded before leaves nothing behind.
func TestDecode_noQuote(t *testing.T) {
	seg := reassembly.Segment{ICMP: reassembly.ICMP{Type: 3}}
	if r := New().Decode(linkRaw, ipv4(protoTCP, tcp(nil, nil)), 40, 0, &seg); r != OK || seg.IsQuote() {
		t.Errorf("%v, %+v", r, seg.ICMP)
	}
}
