package metamorphic

import "testing"

// The findings are the same in every encapsulation.
func TestEncapsulations(t *testing.T) {
	for _, d := range encapsulations() {
		t.Run(d.name, func(t *testing.T) {
			forEach(t, 6, func(t *testing.T, c *conversation) {
				if !d.fits(c) {
					return
				}
				rep, err := analyse(d.pcap(c.frames))
				if err != nil {
					t.Fatal(err)
				}
				c.plain.sameFindings(t, summarise(rep, nil))
			})
		})
	}
}

func encapsulations() []encapsulation {
	all := append(links(), tunnels()...)
	return append(all, headers()...)
}

// before returns a function that puts bytes before the packet.
func before(head ...byte) func(*frame) []byte {
	return func(f *frame) []byte { return append(head[:len(head):len(head)], f.packet...) }
}

// family is before with one of two headers, by IP version.
func family(v4, v6 []byte) func(*frame) []byte {
	return func(f *frame) []byte {
		if f.is6() {
			return before(v6...)(f)
		}
		return before(v4...)(f)
	}
}

// cooked is a header that ends with VLAN tags, if any, and the EtherType.
func cooked(head func(f *frame) []byte) func(*frame) []byte {
	return func(f *frame) []byte {
		b := append(head(f), f.tags...)
		return append(be.AppendUint16(b, f.etherType()), f.packet...)
	}
}

// links are the link types.
func links() []encapsulation {
	const bare = losesTags | losesMACs
	snap := []byte{0xaa, 0xaa, 3, 0, 0, 0}
	radiotap := []byte{0, 0, 8, 0, 0, 0, 0, 0}
	wifi := func(f *frame) []byte {
		b := []byte{0x08, 0x02, 0, 0} // data, from the access point
		b = append(b, f.mac[:]...)
		b = append(b, f.mac[6:]...)
		return append(append(b, 0, 0), snap...)
	}
	qos := func(f *frame) []byte {
		b := []byte{0x88, 0x01, 0, 0} // QoS data, to the access point
		b = append(b, f.mac[6:]...)
		b = append(b, f.mac[6:]...)
		b = append(b, f.mac[:6]...)
		return append(append(b, 0, 0, 0, 0), snap...)
	}
	return []encapsulation{
		{"SLL", 113, cooked(func(f *frame) []byte {
			b := []byte{0, 0, 0, 1, 0, 6}
			return append(append(b, f.mac[6:]...), 0, 0)
		}), 0},
		{"SLL2", 276, func(f *frame) []byte {
			rest := append(f.tags[:len(f.tags):len(f.tags)], byte(f.etherType()>>8), byte(f.etherType()))
			b := append(rest[:2:2], 0, 0, 0, 0, 0, 2, 0, 1, 0, 6)
			b = append(append(b, f.mac[6:]...), 0, 0)
			return append(append(b, rest[2:]...), f.packet...)
		}, 0},
		{"NULL of a little-endian host", 0, family([]byte{2, 0, 0, 0}, []byte{30, 0, 0, 0}), bare},
		{"NULL of a big-endian host", 0, family([]byte{0, 0, 0, 2}, []byte{0, 0, 0, 28}), bare},
		{"LOOP", 108, family([]byte{0, 0, 0, 2}, []byte{0, 0, 0, 24}), bare},
		{"RAW 12", 12, before(), bare},
		{"RAW 14", 14, before(), bare},
		{"RAW", 101, before(), bare},
		{"IPV4", 228, before(), bare | onlyIPv4},
		{"PPP", 9, family([]byte{0x00, 0x21}, []byte{0x00, 0x57}), bare},
		{"PPP with address and control", 9, family([]byte{0xff, 3, 0x00, 0x21}, []byte{0xff, 3, 0x00, 0x57}), bare},
		{"PPP with a short protocol", 9, family([]byte{0x21}, []byte{0x57}), bare},
		{"PPP_HDLC", 50, family([]byte{0xff, 3, 0x00, 0x21}, []byte{0xff, 3, 0x00, 0x57}), bare},
		{"PPP_ETHER", 51, family([]byte{0x11, 0, 0, 1, 0, 0, 0x00, 0x21}, []byte{0x11, 0, 0, 1, 0, 0, 0x00, 0x57}), bare},
		{"C_HDLC", 104, cooked(func(*frame) []byte { return []byte{0x0f, 0} }), losesMACs},
		{"802.11", 105, cooked(wifi), 0},
		{"802.11 QoS", 105, cooked(qos), 0},
		{"802.11 with radiotap", 127, cooked(func(f *frame) []byte { return append(radiotap[:8:8], wifi(f)...) }), 0},
		{"802.11 QoS with radiotap", 127, cooked(func(f *frame) []byte { return append(radiotap[:8:8], qos(f)...) }), 0},
	}
}

// tagged is Ethernet with something between the addresses and the packet.
func tagged(tags func(f *frame) []byte) func(*frame) []byte {
	return func(f *frame) []byte { return append(append(f.mac[:12:12], tags(f)...), f.packet...) }
}

// outer is Ethernet with an IP packet of that protocol, whose payload inner makes.
func outer(protocol byte, inner func(*frame) []byte) func(*frame) []byte {
	return func(f *frame) []byte {
		in := inner(f)
		b := append(f.mac[:12:12], 0x08, 0x00)
		b = append(b, ipv4(protocol, len(in)+f.rest)...)
		return append(b, in...)
	}
}

// outer6 is outer with IPv6.
func outer6(protocol byte, inner func(*frame) []byte) func(*frame) []byte {
	return func(f *frame) []byte {
		in := inner(f)
		b := append(f.mac[:12:12], 0x86, 0xdd)
		b = append(b, ipv6(protocol, len(in)+f.rest)...)
		return append(b, in...)
	}
}

// udp is outer with a datagram to the port; head is the tunnel's header.
func udp(port uint16, head ...byte) func(*frame) []byte {
	return outer(protocolUDP, func(f *frame) []byte {
		in := append(head[:len(head):len(head)], f.ethernet()...)
		b := be.AppendUint16(nil, 50000)
		b = be.AppendUint16(b, port)
		length := 8 + len(in) + f.rest
		if length > 0xffff {
			length = 0
		}
		b = be.AppendUint16(b, uint16(length))
		return append(be.AppendUint16(b, 0), in...)
	})
}

// tunnels are tags and tunnels on Ethernet.
func tunnels() []encapsulation {
	vlan := func(kind uint16, id uint16) []byte {
		return be.AppendUint16(be.AppendUint16(nil, kind), id)
	}
	on := func(head []byte) func(*frame) []byte {
		return tagged(func(f *frame) []byte {
			b := append(head[:len(head):len(head)], f.tags...)
			return be.AppendUint16(b, f.etherType())
		})
	}
	mpls := func(labels ...byte) func(*frame) []byte {
		return tagged(func(*frame) []byte { return append([]byte{0x88, 0x47}, labels...) })
	}
	pppoe := func(f *frame) []byte {
		b := []byte{0x88, 0x64, 0x11, 0, 0, 1}
		b = be.AppendUint16(b, uint16(min(2+f.length(), 0xffff)))
		if f.is6() {
			return append(b, 0x00, 0x57)
		}
		return append(b, 0x00, 0x21)
	}
	gre := func(flags byte, more ...byte) func(*frame) []byte {
		return func(f *frame) []byte {
			b := append(be.AppendUint16([]byte{flags, 0}, f.etherType()), more...)
			return append(b, f.packet...)
		}
	}
	greEthernet := func(f *frame) []byte { return append([]byte{0, 0, 0x65, 0x58}, f.ethernet()...) }
	ipip := func(outer func(byte, func(*frame) []byte) func(*frame) []byte) func(*frame) []byte {
		return func(f *frame) []byte {
			protocol := byte(4)
			if f.is6() {
				protocol = 41
			}
			return outer(protocol, before())(f)
		}
	}
	vxlan := []byte{8, 0, 0, 0, 0, 0, 42, 0}
	return []encapsulation{
		{"VLAN", 1, on(vlan(0x8100, 100)), 0},
		{"VLAN with priority", 1, on(vlan(0x8100, 0xe064)), 0},
		{"QinQ 88a8", 1, on(append(vlan(0x88a8, 100), vlan(0x8100, 101)...)), 0},
		{"QinQ 9100", 1, on(append(vlan(0x9100, 100), vlan(0x8100, 101)...)), 0},
		{"QinQ 8100", 1, on(append(vlan(0x8100, 100), vlan(0x8100, 101)...)), 0},
		{"MPLS", 1, mpls(0, 6, 0x41, 64), losesTags},
		{"MPLS with three labels", 1, mpls(0, 6, 0x40, 64, 0, 7, 0x40, 64, 0, 8, 0x41, 64), losesTags},
		{"MPLS pseudowire", 1, func(f *frame) []byte {
			return append(append(f.mac[:12:12], 0x88, 0x47, 0, 6, 0x41, 64, 0, 0, 0, 0), f.ethernet()...)
		}, 0},
		{"PPPoE", 1, tagged(pppoe), losesTags},
		{"PPPoE in a VLAN", 1, tagged(func(f *frame) []byte { return append(vlan(0x8100, 7), pppoe(f)...) }), losesTags},
		{"GRE", 1, outer(47, gre(0)), losesTags},
		{"GRE with key and sequence", 1, outer(47, gre(0x30, 0, 0, 0, 5, 0, 0, 0, 9)), losesTags},
		{"GRE in IPv6", 1, outer6(47, gre(0)), losesTags},
		{"GRE with Ethernet", 1, outer(47, greEthernet), 0},
		{"IP in IPv4", 1, ipip(outer), losesTags},
		{"IP in IPv6", 1, ipip(outer6), losesTags},
		{"VXLAN", 1, udp(4789, vxlan...), 0},
		{"VXLAN of old Linux", 1, udp(8472, vxlan...), 0},
		{"GENEVE", 1, udp(6081, 0, 0, 0x65, 0x58, 0, 0, 42, 0), 0},
		{"GENEVE with an option", 1, udp(6081, 2, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 1, 5, 6, 7, 8), 0},
	}
}

// headers are other IP headers around the same segments.
func headers() []encapsulation {
	v6 := func(kinds ...byte) func(*frame) []byte {
		return func(f *frame) []byte { return f.inIPv6(kinds).ethernet() }
	}
	const lost = losesIPID | onlyIPv4
	return []encapsulation{
		{"IPv4 options", 1, func(f *frame) []byte { return f.withIPv4Options().ethernet() }, onlyIPv4},
		{"Ethernet padding", 1, func(f *frame) []byte {
			b := f.ethernet()
			for f.rest == 0 && len(b) < 60 {
				b = append(b, 0x5a)
			}
			return b
		}, 0},
		{"IPv6", 1, v6(), lost},
		{"IPv6 with hop-by-hop options", 1, v6(0), lost},
		{"IPv6 with routing", 1, v6(43), lost},
		{"IPv6 in an atomic fragment", 1, v6(44), lost},
		{"IPv6 with everything", 1, v6(0, 60, 43, 44, 60), lost},
		{"IPv6 raw", 229, func(f *frame) []byte { return f.inIPv6(nil).packet }, lost | losesTags},
		{"6in4", 1, outer(41, func(f *frame) []byte { return f.inIPv6(nil).packet }), lost | losesTags},
	}
}

// withIPv4Options puts twelve bytes of options into an IPv4 header.
func (f *frame) withIPv4Options() *frame {
	g := f.clone()
	const size = 12
	g.packet = append(g.packet[:20:20], 1, 7, 7, 4, 0, 0, 0, 0, 1, 1, 1, 0) // padding, record route
	g.packet = append(g.packet, f.packet[20:]...)
	g.packet[0] += size / 4
	if total := be.Uint16(g.packet[2:]); total > 0xffff-size {
		be.PutUint16(g.packet[2:], 0)
	} else if total != 0 {
		be.PutUint16(g.packet[2:], total+size)
	}
	return &g
}

// inIPv6 replaces the IPv4 header by an IPv6 header with extension headers.
func (f *frame) inIPv6(kinds []byte) *frame {
	g := f.clone()
	old, body := f.packet[:f.header()], f.packet[f.header():]
	var chain []byte
	next := append(kinds[:len(kinds):len(kinds)], old[9])
	for i, kind := range kinds {
		h := []byte{next[i+1], 0, 1, 4, 0, 0, 0, 0} // one option, PadN
		switch kind {
		case 43:
			copy(h[2:], []byte{0, 0}) // type 0, no segments left
		case 44:
			copy(h[2:], []byte{0, 0, 0, 0, 0, 9}) // offset 0, the only fragment
		}
		chain = append(chain, h...)
	}
	length := 0x10000 // too long for the header
	if total := int(be.Uint16(old[2:])); total != 0 {
		length = total - len(old) + len(chain)
	}
	g.packet = ipv6(next[0], length)
	g.packet[7] = old[8]
	copy(g.packet[8:24], append([]byte{0xfd, 0, old[12], old[13], 11: 0}, old[12:16]...)) // hosts of one network are of one
	copy(g.packet[24:40], append([]byte{0xfd, 0, old[16], old[17], 11: 0}, old[16:20]...))
	g.packet = append(append(g.packet, chain...), body...)
	return &g
}
