package textcap

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An icmpError is an ICMP or, if its addresses are IPv6, ICMPv6 error, and what it quotes of a segment.
type icmpError struct {
	kind, code byte
	mtu        uint16
	from, to   netip.Addr // of the error itself
	ttl        uint8      // of the quote, as are all that follow
	id         uint16
	length     int // total length of the IP packet
	src, dst   reassembly.Endpoint
	seq        uint32
	hasSeq     bool
}

// unreachable are the codes of "destination unreachable" as tcpdump prints them
// (print-icmp.c), by what is in the text. The first that fits counts.
var unreachable = []struct {
	text       string
	kind, code byte
}{
	{"need to frag", 3, 4}, {"source route failed", 3, 5}, {"source host isolated", 3, 8}, {"admin prohibited filter", 3, 13},
	{"host precedence violation", 3, 14}, {"precedence cutoff", 3, 15}, {" protocol ", 3, 2}, {" port ", 3, 3},
	{"time exceeded in-transit", 11, 0}, {"ip reassembly time exceeded", 11, 1}, {"parameter problem", 12, 0},
}

// unreachableParts are those that name a net or a host.
var unreachableParts = []struct {
	text      string
	net, host byte
}{{"admin prohibited", 9, 10}, {"tos prohibited", 11, 12}, {"- unknown", 6, 7}, {"unreachable", 0, 1}}

// isError reports whether the message is one that quotes a packet (RFC 792, RFC 4443 2.1).
func (e *icmpError) isError() bool {
	if e.to.Is6() {
		return e.kind >= 1 && e.kind <= 4
	}
	return e.kind == 3 || e.kind == 11 || e.kind == 12
}

// isICMPError reports whether a line shows an ICMP error.
func isICMPError(text string) bool {
	if !strings.Contains(text, "ICMP") {
		return false
	}
	text = strings.ToLower(text) // of ICMPv6, Wireshark capitalises each word
	return strings.Contains(text, "unreachable") || strings.Contains(text, "exceeded") || strings.Contains(text, "too big") || strings.Contains(text, "parameter problem")
}

// tcpdumpICMP reads an error, and the headers that it quotes, which tcpdump prints
// with -v. The sequence number is not among them.
func (n *names) tcpdumpICMP(p *printed, text string) {
	head, rest, ok := strings.Cut(text, ": ICMP ")
	p.quoteLost = true
	if !ok {
		return
	}
	what, quote, ok := strings.Cut(rest, "(tos ")
	e := &icmpError{}
	if !ok || !e.meaning(what) {
		return
	}
	head, to := cutLast(head)
	head, _ = cutLast(head)
	_, from := cutLast(head)
	a, err1 := netip.ParseAddr(from)
	b, err2 := netip.ParseAddr(to)
	q := printed{}
	if err1 != nil || err2 != nil || !a.Is4() || !b.Is4() || !q.ipHeader("(tos "+quote) {
		return
	}
	_, segment, _ := strings.Cut(quote, " > ")
	before, _, _ := strings.Cut(quote, " > ")
	_, src := cutLast(before)
	dst, _, ok := strings.Cut(segment, ": ")
	if !ok || !n.endpoint(&e.src, src) || !n.endpoint(&e.dst, dst) {
		return
	}
	e.from, e.to, e.ttl, e.id, e.length = a, b, q.seg.TTL, q.seg.IPID, q.ipLen
	p.icmp, p.quoteLost = e, false
}

// meaning finds type, code and MTU in what tcpdump prints.
func (e *icmpError) meaning(what string) bool {
	for _, u := range unreachable {
		if strings.Contains(what, u.text) {
			e.kind, e.code = u.kind, u.code
			mtu, _ := numberAfter(what, "(mtu ", 65535)
			e.mtu = uint16(mtu)
			return true
		}
	}
	for _, u := range unreachableParts {
		if strings.Contains(what, u.text) {
			e.kind, e.code = 3, u.host
			if strings.HasPrefix(what, "net ") {
				e.code = u.net
			}
			return true
		}
	}
	return false
}

// A sent is a segment that an ICMP error may quote.
type sent struct {
	seq    uint32
	length int // of the IPv4 packet
}

// quote finds the sequence number of what is quoted: that of the last segment of the
// same length, else of the last. If there is none, the error may have quoted any segment of its connection.
func (n *numbers) quote(e *icmpError) {
	if e.hasSeq {
		return
	}
	seg := reassembly.Segment{Src: e.src, Dst: e.dst}
	c, side := n.conn(&seg)
	known := false
	if last := c.lastSent[side]; last.length != 0 {
		e.seq, known = last.seq, true
	}
	for _, s := range c.sent[side] {
		if s.length == e.length {
			e.seq, known = s.seq, true
		}
	}
	c.quoteLost = c.quoteLost || !known
}

// remember keeps what an ICMP error may quote.
func (c *conn) remember(seg *reassembly.Segment, side, length int) {
	c.lastSent[side] = sent{uint32(seg.Seq), length}
	copy(c.sent[side][:], c.sent[side][1:])
	c.sent[side][len(c.sent[side])-1] = c.lastSent[side]
}

const ipv6Header = 40

// frame is the error as an IP packet: the quote is an IP header and eight bytes (RFC
// 792). ICMPv6 errors quote more (RFC 4443 2.4), which says nothing here.
func (e *icmpError) frame(b []byte) []byte {
	be := binary.BigEndian
	if e.to.Is6() {
		const icmp, quoted = 8, ipv6Header + 8
		b = ipv6(b, icmp+quoted, 58, 64, e.from, e.to)
		b = append(b, e.kind, e.code, 0, 0, 0, 0)
		b = be.AppendUint16(b, e.mtu)
		b = ipv6(b, e.length-ipv6Header, 6, e.ttl, e.src.AddrPort().Addr(), e.dst.AddrPort().Addr())
	} else {
		const icmp, quoted = 8, 20 + 8
		b = ipv4(b, 20+icmp+quoted, 0, 1, 64, e.from, e.to)
		b = append(b, e.kind, e.code, 0, 0, 0, 0)
		b = be.AppendUint16(b, e.mtu)
		b = ipv4(b, e.length, e.id, 6, e.ttl, e.src.AddrPort().Addr(), e.dst.AddrPort().Addr())
	}
	b = be.AppendUint16(be.AppendUint16(b, e.src.Port), e.dst.Port)
	return be.AppendUint32(b, e.seq)
}

func ipv4(b []byte, total int, id uint16, protocol, ttl byte, src, dst netip.Addr) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 0x45, 0), uint16(total))
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0x40, 0, ttl, protocol, 0, 0)
	return append(append(b, src.AsSlice()...), dst.AsSlice()...)
}

func ipv6(b []byte, payload int, next, hops byte, src, dst netip.Addr) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 0x60, 0, 0, 0), uint16(payload))
	return append(append(append(b, next, hops), src.AsSlice()...), dst.AsSlice()...)
}
