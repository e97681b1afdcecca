package filter

import (
	"cmp"
	"strconv"
	"strings"
)

// port is a port or a range of ports, in any of TCP, UDP and SCTP if the
// expression and the name do not say which.
func (c *compiler) port(q qualifiers, t token) condition {
	low, high := t.text, t.text
	switch {
	case q.proto != "" && q.proto != "tcp" && q.proto != "udp" && q.proto != "sctp":
		return c.fail("%s cannot be combined with ports", q.proto)
	case t.kind == number && t.num > 65535:
		return c.fail("port %s is more than 65535", t.text)
	case t.kind == number:
		low = strconv.Itoa(int(t.num))
		high = low
	case t.kind != word:
		return c.fail("a port is a number or a name")
	case q.typ == portRange:
		var ok bool
		if low, high, ok = strings.Cut(t.text, "-"); !ok {
			return c.fail("expected a range such as 8000-8080")
		}
	}
	first, ok1 := portByName(low)
	last, ok2 := portByName(high)
	registered := first.transport
	if last.transport != registered {
		registered = ""
	}
	over := []string{"sctp", "tcp", "udp"}
	switch {
	case !ok1 || !ok2:
		return c.fail("unknown port %s: give the number", quote(t.text))
	case q.proto != "" && registered != "" && q.proto != registered:
		return c.fail("port %s is registered for %s", t.text, registered)
	case q.proto != "" || registered != "":
		over = []string{cmp.Or(q.proto, registered)}
	}
	from, to := min(first.port, last.port), max(first.port, last.port)
	return anyOf(c.ports("ip6", over, q.dir, from, to), c.ports("ip", over, q.dir, from, to))
}

func portByName(name string) (service, bool) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return service{port: uint32(n)}, true
	}
	s, ok := services[name]
	return s, ok
}

// ports is the condition that a packet over one version of IP has a port from
// low to high. Behind IPv6 extension headers no ports are found, as in libpcap.
func (c *compiler) ports(version string, over []string, dir direction, low, high uint32) condition {
	field := func(offset uint32) valueID { return c.load(2, c.at.network+40+offset) }
	protocolAt := c.at.network + 6
	inFirst := condition(always)
	if version == "ip" {
		field = func(offset uint32) valueID {
			return c.loadAt(2, c.at.network+offset, c.ipv4Header(c.at.network))
		}
		protocolAt = c.at.network + 9
		inFirst = c.firstFragment()
	}
	matches := directed(dir, addressOffsets{src: 0, dst: 2}, func(offset uint32) condition {
		if low == high {
			return c.compare(jumpEq, field(offset), low)
		}
		return allOf(c.compare(jumpGe, field(offset), low), not(c.compare(jumpGt, field(offset), high)))
	})
	is := condition(never)
	for _, p := range over {
		is = anyOf(is, allOf(c.equal(1, protocolAt, transports[p].number), inFirst, matches))
	}
	return allOf(c.isProtocol(version), is)
}
