package filter

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// addressOffsets are those of the source and destination address in a header.
type addressOffsets struct{ src, dst uint32 }

var (
	ipv4Addresses = addressOffsets{12, 16} // RFC 791 section 3.1
	arpAddresses  = addressOffsets{14, 24} // RFC 826, IPv4 over Ethernet
	ipv6Addresses = addressOffsets{8, 24}  // RFC 8200 section 3
)

// directed applies a condition to the source, the destination, or both.
func directed(dir direction, at addressOffsets, is func(offset uint32) condition) condition {
	switch dir {
	case source:
		return is(at.src)
	case destination:
		return is(at.dst)
	case both:
		return allOf(is(at.src), is(at.dst))
	}
	return anyOf(is(at.src), is(at.dst))
}

// host is a host or network by address or number.
func (c *compiler) host(q qualifiers, t token, mask *token) condition {
	if mask != nil && q.typ != network && (t.kind == addrIPv4 || mask.num != 128) {
		return c.fail("a mask can follow net, not with host")
	}
	switch t.kind {
	case addrIPv6:
		return c.ipv6Host(q, t, mask)
	case addrIPv4, number:
		return c.ipv4Host(q, t, mask)
	case mac:
		return c.fail("an Ethernet address needs ether host, ether src or ether dst")
	}
	return c.fail("%s is a name, and names are not looked up: give the address%s", quote(t.text), useTcpdump)
}

func (c *compiler) ipv4Host(q qualifiers, t token, maskToken *token) condition {
	addr, mask, err := ipv4Network(q, t, maskToken)
	if err != nil {
		return c.fail("%s", err)
	}
	in := func(version string, at addressOffsets) condition {
		return directed(q.dir, at, func(offset uint32) condition {
			return allOf(c.isProtocol(version), c.masked(4, c.at.network+offset, addr, mask))
		})
	}
	switch {
	case q.proto == "ip", q.proto == "" && c.at.inLabels:
		return in("ip", ipv4Addresses)
	case q.proto == "arp", q.proto == "rarp":
		return in(q.proto, arpAddresses)
	case q.proto == "":
		return anyOf(in("ip", ipv4Addresses), in("arp", arpAddresses), in("rarp", arpAddresses))
	}
	return c.fail("%s cannot be combined with an IPv4 address", q.proto)
}

// ipv4Network reads an address and its mask. A number is a whole address after
// host, and the leading bytes of one after net; an address with fewer than
// four bytes is a network of that many.
func ipv4Network(q qualifiers, t token, maskToken *token) (addr, mask uint32, err error) {
	if t.kind == number {
		addr, mask = t.num, ^uint32(0)
		for q.typ == network && addr != 0 && addr < 1<<24 {
			addr, mask = addr<<8, mask<<8
		}
		return addr, mask, nil
	}
	addr, bits, err := parseIPv4(t.text)
	mask = prefixMask(bits)
	switch {
	case err != nil || maskToken == nil:
		return addr, mask, err
	case maskToken.kind == number && maskToken.num > 32:
		return 0, 0, fmt.Errorf("the prefix length is more than 32")
	case maskToken.kind == number:
		mask = prefixMask(int(maskToken.num))
	default:
		if mask, _, err = parseIPv4(maskToken.text); err != nil {
			return 0, 0, err
		}
	}
	if addr&^mask != 0 {
		return 0, 0, fmt.Errorf("%s has bits set outside the mask", t.text)
	}
	return addr, mask, nil
}

// parseIPv4 reads one to four decimal bytes; bits says how many were given.
// The address is left-justified: 10.1 is 10.1.0.0 with 16 bits.
func parseIPv4(s string) (addr uint32, bits int, err error) {
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, 0, fmt.Errorf("invalid IPv4 address %s", quote(s))
		}
		addr = addr<<8 | uint32(n)
		bits += 8
	}
	return addr << (32 - bits), bits, nil
}

// prefixMask is the mask of a prefix of 0 to 32 bits.
func prefixMask(bits int) uint32 { return ^uint32(0) << (32 - bits) }

func (c *compiler) ipv6Host(q qualifiers, t token, mask *token) condition {
	if q.proto != "" && q.proto != "ip6" {
		return c.fail("%s cannot be combined with an IPv6 address", q.proto)
	}
	bits := 128
	if mask != nil {
		bits = int(min(mask.num, 129))
	}
	addr, _ := netip.ParseAddr(t.text) // lex has parsed it before
	prefix, err := addr.Prefix(bits)
	switch {
	case err != nil:
		return c.fail("the prefix length is more than 128")
	case prefix.Addr() != addr:
		return c.fail("%s has bits set outside the prefix", t.text)
	}
	words := addr.As16()
	return directed(q.dir, ipv6Addresses, func(offset uint32) condition {
		is := c.isProtocol("ip6")
		for i := range 4 {
			word := binary.BigEndian.Uint32(words[4*i:])
			mask := prefixMask(max(0, min(32, bits-32*i)))
			is = allOf(is, c.masked(4, c.at.network+offset+uint32(4*i), word, mask))
		}
		return is
	})
}

// etherHost is an Ethernet address.
func (c *compiler) etherHost(q qualifiers, t token) condition {
	switch {
	case t.kind == word:
		return c.fail("%s is a name, and /etc/ethers is not read: give the address%s", quote(t.text), useTcpdump)
	case t.kind != mac || q.typ == network:
		return c.fail("ether goes with an Ethernet address")
	case c.at.link != linkEthernet:
		return c.fail("Ethernet addresses are only in captures of link type Ethernet")
	}
	return c.etherAddress(q.dir, parseMAC(t.text))
}

// parseMAC reads hexadecimal digits in groups, as lex has found them. A group
// of one digit lacks its leading zero.
func parseMAC(s string) []byte {
	var digits string
	for group := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(":-.", r) }) {
		if len(group) == 1 {
			group = "0" + group
		}
		digits += group
	}
	addr, _ := hex.DecodeString(digits)
	return addr
}

func (c *compiler) etherAddress(dir direction, addr []byte) condition {
	return directed(dir, addressOffsets{src: 6, dst: 0}, func(offset uint32) condition {
		at := c.at.header + offset
		return allOf(
			c.equal(4, at+2, binary.BigEndian.Uint32(addr[2:])),
			c.equal(2, at, uint32(binary.BigEndian.Uint16(addr))))
	})
}

// broadcast is a packet to all, by Ethernet or IPv4 address. A file does not
// give the netmask, so the IPv4 addresses are only 0.0.0.0 and 255.255.255.255,
// as in tcpdump.
func (c *compiler) broadcast(p string) condition {
	switch {
	case p == "ip":
		at := c.at.network + ipv4Addresses.dst
		return allOf(c.isProtocol("ip"), anyOf(c.equal(4, at, 0), c.equal(4, at, ^uint32(0))))
	case p != "" && p != "ether":
		return c.fail("broadcast can follow only ether and ip")
	case c.at.link != linkEthernet:
		return c.fail("the link type has no broadcast address")
	}
	return c.etherAddress(destination, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
}

// multicast is a packet to a group, by Ethernet, IPv4 or IPv6 address.
func (c *compiler) multicast(p string) condition {
	switch {
	case p == "ip":
		return allOf(c.isProtocol("ip"), c.compare(jumpGe, c.load(1, c.at.network+ipv4Addresses.dst), 224))
	case p == "ip6":
		return allOf(c.isProtocol("ip6"), c.equal(1, c.at.network+ipv6Addresses.dst, 0xff))
	case p != "" && p != "ether":
		return c.fail("multicast can follow only ether, ip and ip6")
	case c.at.link != linkEthernet:
		return c.fail("the link type has no multicast addresses")
	}
	return c.compare(jumpSet, c.load(1, c.at.header), 1)
}
