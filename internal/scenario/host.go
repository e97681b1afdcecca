package scenario

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Host is a named endpoint.
type Host struct {
	Name  string
	Addr  reassembly.Endpoint
	Attrs // of its segments, unless their lines override them
}

// Attrs are the fields of a segment's frame besides TCP.
type Attrs struct {
	ID   uint16 // IP identification; a host's counts up from here, but 0 stays 0
	VLAN uint16 // 0: untagged
	MAC  uint16 // which pair of link-layer addresses, from 1
	TTL  uint8
}

// newHost is a host of which only name and address are known.
func newHost(name string, addr reassembly.Endpoint) Host {
	h := Host{Name: name, Addr: addr, Attrs: Attrs{ID: 1, MAC: 1, TTL: 64}}
	if isIPv6(addr) {
		h.ID = 0 // IPv6 has no identification (RFC 8200 3)
	}
	return h
}

func isIPv6(e reassembly.Endpoint) bool { return e.AddrPort().Addr().Is6() }

// defaultHosts are the hosts that need no host line.
func defaultHosts() []Host {
	end := func(last byte, port uint16) reassembly.Endpoint {
		return reassembly.EndpointFrom(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, last}), port))
	}
	return []Host{newHost("client", end(1, 40000)), newHost("server", end(2, 443))}
}

// defaultISN is the initial sequence number of the n-th host, from 0: client
// 100000000, server 200000000, and so on, so that an absolute number shows which
// host it belongs to.
func defaultISN(n int) reassembly.Seq { return reassembly.Seq(uint32(n+1) * 100_000_000) }

// nameOf is the name of an end of the line's connection.
func (t *Trace) nameOf(l *Line, e reassembly.Endpoint) string {
	if l.isSegment() && t.Hosts[l.From].Addr == e {
		return t.Hosts[l.From].Name
	}
	if l.isSegment() && t.Hosts[l.To].Addr == e {
		return t.Hosts[l.To].Name
	}
	for i := range t.Hosts {
		if t.Hosts[i].Addr == e {
			return t.Hosts[i].Name
		}
	}
	return e.String()
}

// host reads "host NAME [ADDR:PORT] [{attrs}]". The address may be left out for a
// host that has one. Two names may have the same address: they are a server's ends
// of two connections, each with its own ISN.
func (p *parser) host(s *scanner) {
	name := s.word("the host's name")
	if !isName(name) {
		s.fail("%q is not a host name: want letters, digits, and - _ . inside", clip(name))
		return
	}
	n, known := p.byName[name]
	if known && p.hosts[n].used {
		s.fail("%s already has segments; its host line comes before them", name)
		return
	}
	var h Host
	if known {
		h = p.t.Hosts[n]
	}
	if c := s.peek(); !known || c != '{' && c != '#' && c != 0 {
		w := s.word("the host's ADDR:PORT")
		addr, err := netip.ParseAddrPort(w)
		if err != nil || addr.Addr().Zone() != "" {
			s.fail("%q is not ADDR:PORT ([ADDR]:PORT in IPv6)", clip(w))
			return
		}
		h = newHost(name, reassembly.EndpointFrom(addr))
	}
	if h.Attrs.read(s, isIPv6(h.Addr)) != 0 {
		s.fail("cut and malformed are attributes of segments, not of hosts")
	}
	p.define(h)
	p.items++
}

// define adds the host, or replaces the one of its name.
func (p *parser) define(h Host) {
	n, known := p.byName[h.Name]
	if !known {
		n = len(p.t.Hosts)
		p.t.Hosts = append(p.t.Hosts, Host{})
		p.hosts = append(p.hosts, hostState{iss: defaultISN(n)})
		p.byName[h.Name] = n
	}
	p.t.Hosts[n] = h
	p.hosts[n].ids = ids{h.ID}
}

// side reads the name of a host and returns its number.
func (p *parser) side(s *scanner) int {
	name := s.word("a host's name")
	n, ok := p.byName[name]
	if !ok {
		s.fail("no host is named %q; write: host NAME ADDR:PORT", clip(name))
	}
	return n
}

// iss reads "iss NAME NUMBER", for the lines below it.
func (p *parser) iss(s *scanner) {
	n := p.side(s)
	p.hosts[n].iss = reassembly.Seq(s.number("the ISN", s.word("the ISN"), 0, math.MaxUint32))
}

// isName reports whether name is a valid host name.
func isName(name string) bool {
	reserved := []string{"end", "other", "copy", "drop"}
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return name != "" && len(name) <= 63 && !slices.Contains(reserved, name) &&
		strings.Trim(name, first+"-_.") == "" && strings.ContainsAny(name[:1], first)
}

// damage is the possible damage of options.
const damage = reassembly.OptionsCut | reassembly.OptionsMalformed

// read reads {id N,ttl N,vlan N,mac N,cut,malformed}, each optional. It returns
// cut and malformed as option bits.
func (a *Attrs) read(s *scanner, ipv6 bool) (wrong reassembly.OptionBits) {
	if s.peek() != '{' {
		return 0
	}
	for attr := range strings.SplitSeq(s.bracketed('}'), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(attr), " ")
		value = strings.TrimSpace(value)
		switch {
		case name == "id" && ipv6:
			s.fail("IPv6 has no identification")
		case name == "id":
			a.ID = uint16(s.number(name, value, 0, math.MaxUint16))
		case name == "ttl":
			a.TTL = uint8(s.number(name, value, 0, math.MaxUint8))
		case name == "vlan":
			a.VLAN = uint16(s.number(name, value, 0, maxVLAN))
		case name == "mac":
			a.MAC = uint16(s.number(name, value, 1, math.MaxUint16))
		case name == "cut" && value == "":
			wrong |= reassembly.OptionsCut
		case name == "malformed" && value == "":
			wrong |= reassembly.OptionsMalformed
		default:
			s.fail("attribute %q is none of id N, ttl N, vlan N, mac N, cut, malformed", clip(attr))
		}
	}
	return wrong
}

// append writes those that are not as usual.
func (a *Attrs) append(dst []byte, usual *Attrs, has reassembly.OptionBits) []byte {
	lead := " {"
	word := func(name string) {
		dst = append(append(dst, lead...), name...)
		lead = ","
	}
	number := func(name string, n, usual uint16) {
		if n != usual {
			word(name)
			dst = strconv.AppendUint(append(dst, ' '), uint64(n), 10)
		}
	}
	number("id", a.ID, usual.ID)
	number("ttl", uint16(a.TTL), uint16(usual.TTL))
	number("vlan", a.VLAN, usual.VLAN)
	number("mac", a.MAC, usual.MAC)
	if has&reassembly.OptionsCut != 0 {
		word("cut")
	}
	if has&reassembly.OptionsMalformed != 0 {
		word("malformed")
	}
	if lead == "," {
		dst = append(dst, '}')
	}
	return dst
}

// attrsOf are the attributes of the segment.
func attrsOf(seg *reassembly.Segment) Attrs {
	return Attrs{ID: seg.IPID, VLAN: uint16(seg.Tunnel), MAC: uint16(seg.Link), TTL: seg.TTL}
}

// put sets the attributes of the segment.
func (a *Attrs) put(seg *reassembly.Segment) {
	seg.IPID, seg.Tunnel, seg.Link, seg.TTL = a.ID, uint32(a.VLAN), uint32(a.MAC), a.TTL
}

// ids are the IP identifications of one host. They count up, as those of most
// stacks do per connection or per host. Parser and printer share this, so that
// only identifications out of sequence are written.
type ids struct{ next uint16 }

// use notes that id was sent. An older one, such as a duplicate's, has no effect.
func (c *ids) use(id uint16) {
	if c.next == 0 || id == 0 || int16(id-c.next) < 0 {
		return
	}
	if c.next = id + 1; c.next == 0 {
		c.next = 1
	}
}
