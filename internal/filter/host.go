package filter

import (
	"encoding/binary"
	"net/netip"
)

// Offsets of the source and destination address in the network header.
type addressOffsets struct{ src, dst uint32 }

var (
	ipv4Addresses = addressOffsets{12, 16} // RFC 791 section 3.1
	arpAddresses  = addressOffsets{14, 24} // RFC 826, IPv4 over Ethernet
	ipv6Addresses = addressOffsets{8, 24}  // RFC 8200 section 3
)

// hostID is a host or network by address or number.
func (g *generator) hostID(n *idNode) *condition {
	if n.mask != nil && n.what != network && (n.id.kind == addrIPv4 || n.mask.num != 128) {
		return g.fail("a mask goes with net, not with host")
	}
	switch n.id.kind {
	case addrIPv6:
		return g.ipv6ID(n)
	case addrIPv4, number:
		return g.ipv4ID(n)
	case mac:
		return g.fail("an Ethernet address goes with ether host, ether src or ether dst")
	}
	return g.fail("%s is a name, and names are not looked up: give the address%s", quote(n.id.text), escapeHatch)
}

func (g *generator) ipv4ID(n *idNode) *condition {
	addr, mask, ok := g.ipv4Network(n)
	if !ok {
		return never
	}
	switch n.proto {
	case "ip":
		return g.ipv4Host(n, addr, mask, ipv4Addresses)
	case "arp", "rarp":
		return g.ipv4Host(n, addr, mask, arpAddresses)
	case "":
		c := g.ipv4Host(n.as("ip"), addr, mask, ipv4Addresses)
		if g.at.inLabels {
			return c
		}
		return anyOf(c,
			g.ipv4Host(n.as("arp"), addr, mask, arpAddresses),
			g.ipv4Host(n.as("rarp"), addr, mask, arpAddresses))
	}
	return g.fail("%s does not go with an IPv4 address", n.proto)
}

// as is the id under another protocol qualifier.
func (n *idNode) as(p proto) *idNode {
	c := *n
	c.proto = p
	return &c
}

// ipv4Network reads the address and mask. A number is a whole address after
// host, and the leading bytes of one after net; an address with fewer than
// four bytes is a network of that many.
func (g *generator) ipv4Network(n *idNode) (addr, mask uint32, ok bool) {
	if n.id.kind == number {
		addr, mask = n.id.num, ^uint32(0)
		for n.what == network && addr != 0 && addr < 1<<24 {
			addr, mask = addr<<8, mask<<8
		}
		return addr, mask, true
	}
	addr, bits, err := parseIPv4(n.id.text)
	if err != nil {
		g.fail("%s", err)
		return 0, 0, false
	}
	mask = prefixMask(bits)
	switch {
	case n.mask == nil:
		return addr, mask, true
	case n.mask.kind == number && n.mask.num > 32:
		g.fail("the prefix length is more than 32")
		return 0, 0, false
	case n.mask.kind == number:
		mask = prefixMask(int(n.mask.num))
	default:
		if mask, _, err = parseIPv4(n.mask.text); err != nil {
			g.fail("%s", err)
			return 0, 0, false
		}
	}
	if addr&^mask != 0 {
		g.fail("%s has bits set outside the mask", n.id.text)
		return 0, 0, false
	}
	return addr, mask, true
}

func (g *generator) ipv4Host(n *idNode, addr, mask uint32, at addressOffsets) *condition {
	return g.directed(n.dir, at, func(offset uint32) *condition {
		return allOf(g.isProto(n.proto), g.masked(4, g.at.network+offset, addr, mask))
	})
}

func (g *generator) ipv6ID(n *idNode) *condition {
	if n.proto != "" && n.proto != "ip6" {
		return g.fail("%s does not go with an IPv6 address", n.proto)
	}
	bits := 128
	if n.mask != nil {
		bits = int(min(n.mask.num, 129))
	}
	addr, _ := netip.ParseAddr(n.id.text) // the scanner has parsed it before
	prefix, err := addr.Prefix(bits)
	switch {
	case err != nil:
		return g.fail("the prefix length is more than 128")
	case prefix.Addr() != addr:
		return g.fail("%s has bits set outside the prefix", n.id.text)
	}
	words := addr.As16()
	return g.directed(n.dir, ipv6Addresses, func(offset uint32) *condition {
		c := g.isProto("ip6")
		for i := range 4 {
			word := binary.BigEndian.Uint32(words[4*i:])
			mask := prefixMask(max(0, min(32, bits-32*i)))
			c = allOf(c, g.masked(4, g.at.network+offset+uint32(4*i), word, mask))
		}
		return c
	})
}

// directed applies a condition to the source, the destination, or both.
func (g *generator) directed(dir direction, at addressOffsets, c func(offset uint32) *condition) *condition {
	switch dir {
	case source:
		return c(at.src)
	case destination:
		return c(at.dst)
	case both:
		return allOf(c(at.src), c(at.dst))
	}
	return anyOf(c(at.src), c(at.dst))
}

// etherHost is an Ethernet address.
func (g *generator) etherHost(n *idNode) *condition {
	switch {
	case n.id.kind == word:
		return g.fail("%s is a name, and /etc/ethers is not read: give the address%s", quote(n.id.text), escapeHatch)
	case n.id.kind != mac || n.what == network:
		return g.fail("ether goes with an Ethernet address")
	case g.at.link != linkEthernet:
		return g.fail("Ethernet addresses are only in captures of link type Ethernet")
	}
	return g.etherAddress(n.dir, parseMAC(n.id.text))
}

func (g *generator) etherAddress(dir direction, addr []byte) *condition {
	return g.directed(dir, addressOffsets{src: 6, dst: 0}, func(offset uint32) *condition {
		at := g.at.header + offset
		return allOf(
			g.equal(4, at+2, binary.BigEndian.Uint32(addr[2:])),
			g.equal(2, at, uint32(binary.BigEndian.Uint16(addr))))
	})
}

// broadcast is a packet to all: by Ethernet address, or by IPv4 address. A
// file does not say the netmask, so that the latter is 0.0.0.0 and
// 255.255.255.255 alone, as tcpdump has it for files.
func (g *generator) broadcast(p proto) *condition {
	switch {
	case p == "ip":
		dst := g.load(4, g.at.network+ipv4Addresses.dst)
		return allOf(g.isProto("ip"), anyOf(g.compare(jumpEq, dst, 0), g.compare(jumpEq, dst, ^uint32(0))))
	case p != "" && p != "ether":
		return g.fail("broadcast goes with ether and ip")
	case g.at.link != linkEthernet:
		return g.fail("the link type has no broadcast address")
	}
	return g.etherAddress(destination, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// multicast is a packet to a group, by Ethernet, IPv4 or IPv6 address.
func (g *generator) multicast(p proto) *condition {
	switch {
	case p == "ip":
		return allOf(g.isProto("ip"), g.compare(jumpGe, g.load(1, g.at.network+ipv4Addresses.dst), 224))
	case p == "ip6":
		return allOf(g.isProto("ip6"), g.equal(1, g.at.network+ipv6Addresses.dst, 0xff))
	case p != "" && p != "ether":
		return g.fail("multicast goes with ether, ip and ip6")
	case g.at.link != linkEthernet:
		return g.fail("the link type has no multicast addresses")
	}
	return g.compare(jumpSet, g.load(1, g.at.header), 1)
}
