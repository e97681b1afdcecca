package filter

// A transport is a protocol above IP.
type transport struct {
	number uint32   // IANA protocol number
	over   []string // the versions of IP that its name stands for
	fields bool     // tcp[0] and the like can be read
}

var onlyIP, onlyIP6, anyIP = []string{"ip"}, []string{"ip6"}, []string{"ip", "ip6"}

var transports = map[string]transport{
	"tcp":   {6, anyIP, true},
	"udp":   {17, anyIP, true},
	"sctp":  {132, anyIP, true},
	"icmp":  {1, onlyIP, true},
	"icmp6": {58, onlyIP6, true},
	"igmp":  {2, onlyIP, true},
	"igrp":  {9, onlyIP, true},
	"pim":   {103, anyIP, true},
	"vrrp":  {112, onlyIP, true},
	"carp":  {112, onlyIP, true},
	"esp":   {50, anyIP, false},
	"ah":    {51, anyIP, false},
}

// fragmentHeader is the next header number of an IPv6 fragment (RFC 8200
// section 4.5).
const fragmentHeader = 44

// isProtocol is the condition that the packet is of the protocol p.
func (c *compiler) isProtocol(p string) condition {
	if typ, ok := etherTypes[p]; ok {
		return c.etherType(typ)
	}
	return c.carries(transports[p].number, transports[p].over)
}

// carries is the condition that an IP packet has a protocol number. Of IPv6
// extension headers only a fragment header is looked behind, as in libpcap.
func (c *compiler) carries(number uint32, over []string) condition {
	var cs []condition
	for _, version := range over {
		is := c.isProtocol(version)
		if version == "ip" {
			cs = append(cs, allOf(is, c.equal(1, c.at.network+9, number)))
			continue
		}
		next := c.at.network + 6
		cs = append(cs, allOf(is, anyOf(
			c.equal(1, next, number),
			allOf(c.equal(1, next, fragmentHeader), c.equal(1, c.at.network+40, number)))))
	}
	return anyOf(cs...)
}

// firstFragment is the condition that an IPv4 packet begins with the transport
// header.
func (c *compiler) firstFragment() condition {
	return not(c.compare(jumpSet, c.load(2, c.at.network+6), 0x1fff))
}

// protocolID is `proto`, `ip proto`, `ip6 proto` or `ether proto` with a
// number or a name.
func (c *compiler) protocolID(q qualifiers, t token) condition {
	n, known := t.num, t.kind == number
	switch {
	case t.kind == word && q.proto == "ether":
		if n, known = etherTypes[t.text]; !known {
			n, known = otherEtherTypes[t.text]
		}
	case t.kind == word:
		n, known = ipProtocolNames[t.text]
	}
	switch {
	case !known:
		return c.fail("unknown protocol %s", quote(t.text))
	case q.proto == "ether":
		return c.etherType(n)
	case q.proto == "":
		return c.carries(n, anyIP)
	case q.proto == "ip" || q.proto == "ip6":
		return c.carries(n, []string{q.proto})
	}
	return c.fail("%s proto has no meaning: it carries no other protocol", q.proto)
}
