package textcap

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An icmpError is an ICMP error, and what it quotes of a segment.
type icmpError struct {
	kind, code byte
	mtu        uint16
	from, to   netip.Addr // of the error itself
	ttl        uint8      // of the quote, as are all that follow
	id         uint16
	length     int // total length of the IPv4 packet
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

// isICMPError reports whether a line shows an ICMP error.
func isICMPError(text string) bool {
	return strings.Contains(text, "ICMP") && (strings.Contains(text, "unreachable") || strings.Contains(text, "exceeded") || strings.Contains(text, "too big") || strings.Contains(text, "parameter problem"))
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
// same length, else of the last.
func (n *numbers) quote(e *icmpError) {
	seg := reassembly.Segment{Src: e.src, Dst: e.dst}
	key, fromLo := reassembly.KeyOf(&seg)
	c := n.conns[key]
	if c == nil || e.hasSeq {
		return
	}
	side := 1
	if fromLo {
		side = 0
	}
	if last := c.lastSent[side]; last.length != 0 {
		e.seq = last.seq
	}
	for _, s := range c.sent[side] {
		if s.length == e.length {
			e.seq = s.seq
		}
	}
}

// remember keeps what an ICMP error may quote.
func (c *conn) remember(seg *reassembly.Segment, side, length int) {
	c.lastSent[side] = sent{uint32(seg.Seq), length}
	copy(c.sent[side][:], c.sent[side][1:])
	c.sent[side][len(c.sent[side])-1] = c.lastSent[side]
}

// frame is the error as an IPv4 packet: the quote is an IP header and eight bytes
// (RFC 792).
func (e *icmpError) frame(b []byte) []byte {
	const header, icmp, quoted = 20, 8, 28
	be := binary.BigEndian
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, header+icmp+quoted)
	b = append(b, 0, 0, 0, 0, 64, 1, 0, 0)
	b = append(append(b, e.from.AsSlice()...), e.to.AsSlice()...)
	b = append(b, e.kind, e.code, 0, 0, 0, 0)
	b = be.AppendUint16(b, e.mtu)
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(e.length))
	b = be.AppendUint16(b, e.id)
	b = append(b, 0x40, 0, e.ttl, 6, 0, 0)
	b = append(append(b, e.src.Addr[12:]...), e.dst.Addr[12:]...)
	b = be.AppendUint16(be.AppendUint16(b, e.src.Port), e.dst.Port)
	return be.AppendUint32(b, e.seq)
}
