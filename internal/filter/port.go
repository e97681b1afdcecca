package filter

import (
	"strconv"
	"strings"
)

// A portSpan is the ports from low to high, both included.
type portSpan struct{ low, high uint32 }

// portID is a port or a range of ports, in any of TCP, UDP and SCTP if the
// expression and the name do not say which.
func (g *generator) portID(n *idNode) *condition {
	switch n.proto {
	case "", "tcp", "udp", "sctp":
	default:
		return g.fail("%s does not go with ports", n.proto)
	}
	span, named, ok := g.portSpan(n)
	switch {
	case !ok:
		return never
	case n.proto != "" && named != "" && n.proto != named:
		return g.fail("port %s is of %s", n.id.text, named)
	case n.proto == "":
		n = n.as(named)
	}
	over := []proto{"sctp", "tcp", "udp"}
	if n.proto != "" {
		over = []proto{n.proto}
	}
	return anyOf(g.ports("ip6", over, n.dir, span), g.ports("ip", over, n.dir, span))
}

// portSpan reads the ports, and the transport that their names are of.
func (g *generator) portSpan(n *idNode) (span portSpan, named proto, ok bool) {
	low, high := n.id.text, n.id.text
	switch {
	case n.id.kind == number && n.id.num > 65535:
		g.fail("port %s is more than 65535", n.id.text)
		return span, "", false
	case n.id.kind == number:
		return portSpan{n.id.num, n.id.num}, "", true
	case n.id.kind != word:
		g.fail("a port is a number or a name")
		return span, "", false
	case n.what == portRange:
		if low, high, ok = strings.Cut(n.id.text, "-"); !ok {
			g.fail("expected a range such as 8000-8080")
			return span, "", false
		}
	}
	first, ok1 := portByName(low)
	last, ok2 := portByName(high)
	if !ok1 || !ok2 {
		g.fail("unknown port %s: give the number", quote(n.id.text))
		return span, "", false
	}
	if first.transport == last.transport {
		named = first.transport
	}
	return portSpan{min(first.port, last.port), max(first.port, last.port)}, named, true
}

func portByName(name string) (service, bool) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return service{port: uint32(n)}, true
	}
	s, ok := services[name]
	return s, ok
}

// ports is the condition that a packet over one version of IP has a port of
// the span. Behind IPv6 extension headers no ports are found, as in libpcap.
func (g *generator) ports(version proto, over []proto, dir direction, span portSpan) *condition {
	isVersion := g.isProto(version)
	field := func(offset uint32) valueID { return g.load(2, g.at.network+40+offset) }
	protocolAt := g.at.network + 6
	inFirst := always
	if version == "ip" {
		protocolAt = g.at.network + 9
		inFirst = g.firstFragment()
		field = func(offset uint32) valueID {
			return g.checked(g.loadAt(2, g.at.network+offset, g.ipv4Header(g.at.network)))
		}
	}
	matches := g.directed(dir, addressOffsets{src: 0, dst: 2}, func(offset uint32) *condition {
		return g.within(field(offset), span)
	})
	var cs []*condition
	for _, p := range over {
		cs = append(cs, allOf(g.equal(1, protocolAt, transports[p].number), inFirst, matches))
	}
	return allOf(isVersion, anyOf(cs...))
}

func (g *generator) within(v valueID, span portSpan) *condition {
	if span.low == span.high {
		return g.compare(jumpEq, v, span.low)
	}
	return allOf(g.compare(jumpGe, v, span.low), not(g.compare(jumpGt, v, span.high)))
}
