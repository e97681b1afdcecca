package textcap

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// startsTcpdump reports whether a packet begins after the time of a line, as
// tcpdump prints it: IP, IP6, ARP, or with -e or -i any what comes before these.
func startsTcpdump(rest string) bool {
	word, after := cutWord(rest)
	switch word {
	case "IP", "IP6":
		return strings.Contains(after, " > ") || strings.HasPrefix(strings.TrimLeft(after, " "), "(")
	case "ARP,", "Request", "Reply", "STP", "LLDP,", "MPLS", "PPPoE", "802.1Q", "IPX", "CDPv2,", "EAP", "EAPOL", "AARP", "LLC,":
		return true
	case "In", "Out", "B", "M", "P":
		return strings.Contains(after, "IP ") || strings.Contains(after, "ethertype") || strings.Contains(after, "IP6 ") || strings.Contains(after, "ARP")
	}
	if isCiscoMAC(word) {
		return strings.Contains(after, " Length: ")
	}
	if isMAC(word) || isMAC(strings.TrimSuffix(word, ",")) {
		return strings.Contains(after, "ethertype") || strings.Contains(after, " > ")
	}
	switch next, _ := cutWord(after); next { // -i any: the interface comes first
	case "In", "Out", "B", "M", "P", "?":
		return true
	}
	return strings.Contains(rest, ": Flags [") || oldSegment(rest) >= 0
}

func isMAC(s string) bool {
	return len(s) == 17 && s[2] == ':' && s[5] == ':' && s[8] == ':' && s[11] == ':' && s[14] == ':'
}

// isCiscoMAC recognises an address as show capture detail prints it: 0050.56a1.0001.
func isCiscoMAC(s string) bool {
	return len(s) == 14 && s[4] == '.' && s[9] == '.' && isHex(s[0]) && strings.Trim(s, "0123456789abcdef.") == ""
}

// tcpdump reads the lines of one packet, joined by blanks, after its time.
func (n *names) tcpdump(p *printed, text string) {
	p.ethernet(text)
	if isICMPError(text) && isQuote(text) {
		n.tcpdumpICMP(p, text)
		return
	}
	at := strings.Index(text, ": Flags [")
	old := false
	if at < 0 {
		at, old = oldSegment(text), true
	}
	if at < 0 {
		p.hasIP = p.ipHeader(text) && p.fragmentOf(text)
		if head, _, found := strings.Cut(text, ": tcp "); found { // -q
			p.vague = true
			n.endpoints(p, head)
		}
		return
	}
	head, rest := text[:at], text[at+len(": "):]
	if isQuote(head) {
		return
	}
	p.hasIP = p.ipHeader(head) || old && p.ipHeader(rest)
	if !n.endpoints(p, head) {
		p.vague = true
		return
	}
	if old {
		p.tcp = p.oldTCP(rest)
	} else {
		p.tcp = p.tcpdumpTCP(rest)
	}
	p.vague = !p.tcp && !strings.Contains(rest, "[bad hdr length") // which no capture tells more of
	p.space = spaceTcpdump
}

// endpoints reads "10.0.0.1.40000 > 10.0.0.2.80" at the end of a text.
func (n *names) endpoints(p *printed, head string) bool {
	head, dst := cutLast(head)
	head, arrow := cutLast(head)
	_, src := cutLast(head)
	return arrow == ">" && n.endpoint(&p.seg.Src, src) && n.endpoint(&p.seg.Dst, dst)
}

// isQuote reports whether a segment that comes after this text is one that an
// ICMP error quotes.
func isQuote(head string) bool {
	return strings.Contains(head, ": ICMP ") || strings.Contains(head, ": ICMP6,") || strings.Contains(head, "] ICMP6,") || strings.Contains(head, "icmp6:")
}

// ipHeader reads what -v prints of the innermost IP header:
// (tos 0x0, ttl 64, id 21997, offset 0, flags [DF], proto TCP (6), length 60).
func (p *printed) ipHeader(text string) bool {
	if i := strings.LastIndex(text, "(tos "); i >= 0 {
		h := text[i:]
		ttl, ok1 := numberAfter(h, ", ttl ", 255)
		id, ok2 := numberAfter(h, ", id ", 65535)
		if !ok1 || !ok2 {
			return false
		}
		p.seg.TTL, p.seg.IPID = uint8(ttl), uint16(id)
		offset, _ := numberAfter(h, ", offset ", 65535)
		p.fragment = uint16(offset / 8)
		if flags, _, ok := strings.Cut(after(h, ", flags ["), "]"); ok {
			if strings.Contains(flags, "+") {
				p.fragment |= 0x2000
			}
			if strings.Contains(flags, "DF") {
				p.fragment |= 0x4000
			}
		}
		length, _ := numberAfter(h, ", length ", 65535)
		p.ipLen = int(length)
		return true
	}
	if i := strings.LastIndex(text, "(ttl "); i >= 0 { // of Cisco's ASA, and before tcpdump 3.9
		ttl, ok1 := numberAfter(text[i:], "(ttl ", 255)
		id, ok2 := numberAfter(text[i:], ", id ", 65535)
		p.seg.TTL, p.seg.IPID = uint8(ttl), uint16(id)
		return ok1 && ok2
	}
	if i := strings.LastIndex(text, "hlim "); i >= 0 {
		ttl, ok := numberAfter(text[i:], "hlim ", 255)
		p.seg.TTL = uint8(ttl)
		return ok
	}
	return false
}

// fragmentOf reads the addresses of an IP fragment that has no TCP header.
func (p *printed) fragmentOf(text string) bool {
	if p.fragment&0x1fff == 0 || !strings.Contains(text, "proto TCP") {
		return false
	}
	head, dst, ok := strings.Cut(text, " > ")
	if !ok {
		return false
	}
	_, src := cutLast(head)
	dst, _, _ = strings.Cut(dst, ":")
	a, err1 := netip.ParseAddr(src)
	b, err2 := netip.ParseAddr(dst)
	if err1 != nil || err2 != nil || !a.Is4() || !b.Is4() {
		return false
	}
	p.seg.Src = reassembly.EndpointFrom(netip.AddrPortFrom(a, 0))
	p.seg.Dst = reassembly.EndpointFrom(netip.AddrPortFrom(b, 0))
	return true
}

// ethernet reads what -e prints of an Ethernet header.
func (p *printed) ethernet(text string) {
	head, rest, ok := strings.Cut(text, " > ")
	if !ok {
		return
	}
	_, src := cutLast(head)
	dst, rest := cutWord(rest)
	if !parseMAC(&p.macs[0], src) || !parseMAC(&p.macs[1], strings.TrimSuffix(dst, ",")) {
		return
	}
	p.hasMACs = true
	for len(p.tags) < 8 {
		i := strings.Index(rest, "vlan ")
		if i < 0 || strings.Contains(rest[:i], ": Flags [") {
			return
		}
		rest = rest[i+len("vlan "):]
		if tag, ok := leadingNumber(rest, 4095); ok {
			p.tags = append(p.tags, uint16(tag))
		}
	}
}

func parseMAC(to *[6]byte, s string) bool {
	if !isMAC(s) {
		return false
	}
	for i := range to {
		b, err := strconv.ParseUint(s[3*i:3*i+2], 16, 8)
		if err != nil {
			return false
		}
		to[i] = byte(b)
	}
	return true
}
