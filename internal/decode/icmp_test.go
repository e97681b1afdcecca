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
		mtu   uint16
	}{
		{"whole", linkRaw, ipv4(protoICMP, cat([]byte{3, 4, 0, 0, 0, 0, 5, 120}, p4)), reassembly.ICMP{Type: 3, Code: 4}, 1400},
		{"eight bytes", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, p4[:28])), reassembly.ICMP{Type: 11}, 0},
		{"options, too", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, ipv4(protoTCP, tcp(make([]byte, 20), make([]byte, 12)))[:33])), reassembly.ICMP{Type: 11}, 0},
		{"a data offset that is too small", linkRaw, ipv4(protoICMP, cat([]byte{11, 0, 0, 0, 0, 0, 0, 0}, edit(p4, 32, 0x40))), reassembly.ICMP{Type: 11}, 0},
		{"NAT translated the error and not the quote", linkRaw, ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 0, 0}, natted)), reassembly.ICMP{Type: 3, Code: 1}, 0},
		{"IPv6", linkIPv6, ipv6(protoICMPv6, cat(big6, p6)), reassembly.ICMP{Type: 2}, 1300},
		{"IPv6, first fragment", linkIPv6, ipv6(protoICMPv6, cat(big6, ipv6(protoFragment, cat([]byte{6, 0, 0, 1, 0, 0, 0, 9}, segment)))), reassembly.ICMP{Type: 2}, 1300},
		{"IPv6, an MTU beyond 16 bits", linkIPv6, ipv6(protoICMPv6, cat([]byte{2, 0, 0, 0, 0, 1, 5, 20}, p6)), reassembly.ICMP{Type: 2}, 65535},
		{"IPv6, options before the segment", linkIPv6, ipv6(protoICMPv6, cat(big6, ipv6(protoDestOpts, extension(protoTCP, nil, segment)))), reassembly.ICMP{Type: 2}, 1300},
		{"no MTU", linkRaw, ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 5, 120}, p4)), reassembly.ICMP{Type: 3, Code: 1}, 0},
		{"VLAN", linkEthernet, ethernet(typeVLAN, cat(be16(7, typeIPv4), ipv4(protoICMP, cat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, p4)))), reassembly.ICMP{Type: 3}, 0},
		{"first fragment", linkRaw, ipv4(protoICMP, cat([]byte{11, 1, 0, 0, 0, 0, 0, 0}, edit(p4, 6, 0x20))), reassembly.ICMP{Type: 11, Code: 1}, 0},
		{"IP options", linkRaw, ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 0, 0}, ipv4With([]byte{7, 7, 4, 0, 0, 0, 0, 0}, 0, protoTCP, segment))), reassembly.ICMP{Type: 3, Code: 1}, 0},
		{"a code that no RFC has", linkRaw, ipv4(protoICMP, cat([]byte{3, 99, 0, 0, 0, 0, 0, 0}, p4)), reassembly.ICMP{Type: 3, Code: 99}, 0},
		{"parameter problem", linkRaw, ipv4(protoICMP, cat([]byte{12, 0, 0, 0, 20, 0, 0, 0}, p4)), reassembly.ICMP{Type: 12}, 0},
		{"IPv6, unreachable", linkIPv6, ipv6(protoICMPv6, cat([]byte{1, 4, 0, 0, 0, 0, 0, 0}, p6)), reassembly.ICMP{Type: 1, Code: 4}, 0},
		{"IPv6, hop limit", linkIPv6, ipv6(protoICMPv6, cat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, p6)), reassembly.ICMP{Type: 3}, 0},
		{"IPv6, parameter problem", linkIPv6, ipv6(protoICMPv6, cat([]byte{4, 1, 0, 0, 0, 0, 0, 40}, p6)), reassembly.ICMP{Type: 4, Code: 1}, 0},
		{"tunnel", linkRaw, ipv4(protoIPv4, ipv4(protoICMP, cat([]byte{3, 0, 0, 0, 0, 0, 0, 0}, p4))), reassembly.ICMP{Type: 3}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			seg := reassembly.Segment{Ack: 7, Flags: reassembly.SYN, Window: 9, Opts: reassembly.Options{NBlocks: 3}}
			if r := New().Decode(c.link, c.frame, len(c.frame), 0, &seg); r != ICMPError {
				t.Fatalf("Decode: %v", r)
			}
			if seg.ICMP != c.icmp || seg.MTU() != c.mtu || !seg.IsQuote() {
				t.Errorf("%+v, MTU %d, want %+v and %d", seg.ICMP, seg.MTU(), c.icmp, c.mtu)
			}
			if seg.Src.Port == 0 || seg.Dst.Port != 443 || seg.Len != 12 || seg.Ack != 0 || seg.Flags != 0 || seg.Opts.NBlocks != 0 {
				t.Errorf("%+v", seg)
			}
			reporter, receiver := addr6[0], addr6[1]
			if seg.Dst.AddrPort().Addr().Is4() {
				reporter, receiver = addr4[0], addr4[1]
			}
			if r := netip.AddrFrom16(seg.Reporter()).Unmap(); string(seg.Src.AddrPort().Addr().AsSlice()) != string(receiver) || string(r.AsSlice()) != string(reporter) {
				t.Errorf("reported by %v to %v", r, seg.Src)
			}
			if id := seg.IPID; seg.TTL != 63 || (id == 7) != (len(receiver) == 4) {
				t.Errorf("identification %d, TTL %d", id, seg.TTL)
			}
			if (seg.Link != 0) != (c.link == linkEthernet) || (seg.Tunnel != 0) != (c.name == "tunnel" || c.name == "VLAN") {
				t.Errorf("link %d, tunnel %d", seg.Link, seg.Tunnel)
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
		{"a packet as short as IP", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 3, 20)))},
		{"seven bytes of an error", linkRaw, ipv4(protoICMP, []byte{3, 4, 0, 0, 0, 0, 5})},
		{"neither version", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 0, 0x65)))},
		{"an IP header that is too short", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 0, 0x44)))},
		{"an IP header longer than the quote", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 0, 0x4f)[:28]))},
		{"a fragment from the end", linkRaw, ipv4(protoICMP, cat(unreachable, edit(ipv4(protoTCP, segment), 6, 0x10)))},
		{"source quench", linkRaw, ipv4(protoICMP, cat([]byte{4, 0, 0, 0, 0, 0, 0, 0}, ipv4(protoTCP, segment)))},
		{"ICMPv6 in IPv4", linkRaw, ipv4(protoICMPv6, cat(unreachable, ipv4(protoTCP, segment)))},
		{"IPv6 of another version", linkIPv6, ipv6(protoICMPv6, cat(big6, edit(ipv6(protoTCP, segment), 0, 0x40)))},
		{"IPv6, cut before an extension", linkIPv6, quoted6(protoDestOpts, []byte{protoTCP, 0, 1, 4})},
		{"IPv6, cut in an extension", linkIPv6, quoted6(protoDestOpts, []byte{protoTCP, 2, 1, 4, 0, 0, 0, 0, 0, 0})},
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

// A quoted segment of a bare header, as a SYN without options is.
func TestDecode_icmpOfBareHeader(t *testing.T) {
	var seg reassembly.Segment
	frame := ipv4(protoICMP, cat([]byte{3, 1, 0, 0, 0, 0, 0, 0}, ipv4(protoTCP, tcp(nil, nil))))
	if r := New().Decode(linkRaw, frame, len(frame), 0, &seg); r != ICMPError || seg.Len != 0 || seg.Seq != 1000 {
		t.Errorf("%v, %+v", r, seg)
	}
}

// What was decoded before leaves nothing behind.
func TestDecode_noQuote(t *testing.T) {
	seg := reassembly.Segment{ICMP: reassembly.ICMP{Type: 3}}
	if r := New().Decode(linkRaw, ipv4(protoTCP, tcp(nil, nil)), 40, 0, &seg); r != OK || seg.IsQuote() {
		t.Errorf("%v, %+v", r, seg.ICMP)
	}
}
