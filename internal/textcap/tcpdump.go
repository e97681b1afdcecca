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
		p.hasIP = p.ipHeader(text) && n.fragmentOf(p, text)
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

// cutLast cuts the last word off.
func cutLast(s string) (rest, word string) {
	s = strings.TrimRight(s, " \t")
	i := strings.LastIndexAny(s, " \t")
	return s[:i+1], s[i+1:]
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
func (n *names) fragmentOf(p *printed, text string) bool {
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

// tcpdumpTCP reads what follows the addresses:
// Flags [P.], seq 1:301, ack 1, win 7300, options [...], length 300.
func (p *printed) tcpdumpTCP(s string) bool {
	flags, rest, ok := strings.Cut(s[len("Flags ["):], "]")
	if !ok || !p.flags(flags) {
		return false
	}
	last := ""      // the field that the text ends with
	ranged := false // seq told where the segment ends
	for rest != "" {
		if rest = strings.TrimLeft(rest, ", "); rest == "" || strings.HasPrefix(rest, "...") {
			break
		}
		word, after := cutWord(rest)
		last = word
		after = strings.TrimLeft(after, " ")
		switch word {
		case "seq":
			seq, after, ok := cutNumber(after)
			if !ok {
				return false
			}
			p.seq, p.hasSeq = seq, true
			if end, more, ok := cutNumber(strings.TrimPrefix(after, ":")); ok && strings.HasPrefix(after, ":") {
				p.seg.Len, after, ranged = end-seq, more, true
			}
			rest = after
		case "ack":
			if p.ack, rest, ok = cutNumber(after); !ok {
				return false
			}
		case "win":
			if p.window, rest, ok = cutNumber(after); !ok {
				return false
			}
			p.hasWin = true
		case "urg":
			if _, rest, ok = cutNumber(after); !ok {
				return false
			}
		case "cksum":
			_, rest, ok = strings.Cut(after, ",")
			if !ok {
				return false
			}
		case "options":
			list, more, ok := strings.Cut(strings.TrimPrefix(after, "["), "]")
			if i := strings.Index(list, "[|tcp"); i >= 0 {
				list = list[:i] + "[|tcp"
			} else if i := strings.Index(list, "[bad opt"); i >= 0 {
				list = list[:i] + "[bad opt"
				_, more, _ = strings.Cut(more, "]")
			}
			if !ok { // the text was cut, perhaps within a number
				list = list[:max(strings.LastIndexByte(list, ','), 0)] + "[|tcp"
			}
			p.tcpdumpOptions(list)
			rest = more
			if !ok {
				return true
			}
		case "length":
			n, _, ok := cutNumber(after)
			p.hasLen = ok
			if ok && n <= maxPayload && !ranged { // before a DNS message, tcpdump 4.9 prints its ID without a blank between
				p.seg.Len = n
			}
			return ok
		default: // the line was cut, or something that is not known
			if strings.Contains(rest, "[|tcp") {
				p.seg.Opts.Has |= reassembly.OptionsCut
			}
			i := strings.Index(rest, ", ")
			if i < 0 {
				return p.hasWin
			}
			rest = rest[i:]
		}
	}
	// Without its length, the line was cut, perhaps within its last number.
	if last == "win" {
		p.hasWin = false
		return true
	}
	return p.hasWin
}

// maxPayload is far above segmentation offload.
const maxPayload = 16<<20 - 1<<8

// flags reads the flags as tcpdump prints them.
func (p *printed) flags(s string) bool {
	if s == "none" {
		return true
	}
	for i := range len(s) {
		n := strings.IndexByte("FSRP.UEWe", s[i])
		if n < 0 {
			return false
		}
		if n < 8 {
			p.seg.Flags |= 1 << n
		}
	}
	return s != ""
}

// tcpdumpOptions reads the list of options.
func (p *printed) tcpdumpOptions(list string) {
	o := &p.seg.Opts
	if strings.HasSuffix(list, "[|tcp") {
		o.Has |= reassembly.OptionsCut
	}
	if strings.HasSuffix(list, "[bad opt") {
		o.Has |= reassembly.OptionsMalformed
	}
	for option := range strings.SplitSeq(list, ",") {
		word, rest := cutWord(option)
		switch word {
		case "mss":
			if n, ok := leadingNumber(rest, 65535); ok {
				o.Has, o.MSS = o.Has|reassembly.HasMSS, uint16(n)
			}
		case "wscale":
			if n, ok := leadingNumber(rest, 255); ok {
				o.Has, o.Scale = o.Has|reassembly.HasScale, uint8(n)
			}
		case "sackOK":
			o.Has |= reassembly.HasSACKPermitted
		case "TS", "timestamp", "tstamp": // the last is snoop's
			p.timestamps(rest)
		case "sack":
			p.sackBlocks(rest)
		}
	}
}

// timestamps reads "val 1 ecr 2", or "1 2" as old versions print it.
func (p *printed) timestamps(s string) {
	val, s, ok1 := cutNumber(strings.TrimPrefix(strings.TrimLeft(s, " "), "val "))
	ecr, _, ok2 := cutNumber(strings.TrimPrefix(strings.TrimLeft(s, " "), "ecr "))
	if ok1 && ok2 {
		o := &p.seg.Opts
		o.Has, o.TSVal, o.TSEcr = o.Has|reassembly.HasTimestamps, val, ecr
	}
}

// sackBlocks reads "2 {1:5}{9:12}", or "sack 2 {1:5}{9:12}".
func (p *printed) sackBlocks(s string) {
	o := &p.seg.Opts
	for int(o.NBlocks) < len(o.Blocks) {
		_, block, ok := strings.Cut(s, "{")
		if !ok {
			return
		}
		block, s, ok = strings.Cut(block, "}")
		from, to, _ := strings.Cut(block, ":")
		a, ok1 := leadingNumber(from, 1<<32-1)
		b, ok2 := leadingNumber(to, 1<<32-1)
		if !ok || !ok1 || !ok2 {
			return
		}
		o.Blocks[o.NBlocks] = reassembly.Block{From: reassembly.Seq(a), To: reassembly.Seq(b)}
		o.NBlocks++
	}
}

// oldSegment finds where a segment begins that tcpdump before 4.0 printed:
// "10.0.0.1.40000 > 10.0.0.2.80: S 123:123(0) win 5840". It returns the index of
// the colon, -1 if there is none.
func oldSegment(text string) int {
	arrow := strings.Index(text, " > ")
	if arrow < 0 {
		return -1
	}
	at := strings.Index(text[arrow:], ": ")
	if at < 0 {
		return -1
	}
	at += arrow
	flags, rest := cutOldFlags(text[at+2:])
	if flags == "" || strings.Trim(flags, "SFRPUEW.") != "" {
		return -1
	}
	if word, _ := cutWord(rest); word == "ack" || word == "win" || strings.Contains(word, ":") && strings.HasSuffix(word, ")") {
		return at
	}
	return -1
}

// cutOldFlags cuts off the flags, and with -v the verdict on the checksum: "S, cksum 0x1234 (correct), 1:1(0)",
// "S [tcp sum ok] 1:1(0)".
func cutOldFlags(s string) (flags, rest string) {
	flags, rest = cutWord(s)
	if cut, ok := strings.CutSuffix(flags, ","); ok {
		flags = cut
		if trimmed := strings.TrimLeft(rest, " "); strings.HasPrefix(trimmed, "cksum ") {
			_, rest, _ = strings.Cut(trimmed, ",")
		}
	} else if trimmed := strings.TrimLeft(rest, " "); strings.HasPrefix(trimmed, "[") {
		_, rest, _ = strings.Cut(trimmed, "]")
	}
	return flags, rest
}

// oldTCP reads what tcpdump before 4.0 printed: P 1:301(300) ack 1 win 7300 <nop>.
func (p *printed) oldTCP(s string) bool {
	flags, rest := cutOldFlags(s)
	ok := p.flags(flags)
	p.seg.Flags &^= reassembly.ACK // "." stands for no other flag; ack tells
	p.hasLen = true
	for ok && rest != "" {
		var word string
		word, rest = cutWord(rest)
		switch word = strings.TrimSuffix(word, ","); word {
		case "ack":
			p.ack, rest, ok = cutNumber(strings.TrimLeft(rest, " "))
			p.seg.Flags |= reassembly.ACK
		case "win":
			p.window, rest, ok = cutNumber(strings.TrimLeft(rest, " "))
			p.hasWin = true
		default:
			if list, found := strings.CutPrefix(word+rest, "<"); found {
				list, _, _ = strings.Cut(list, ">")
				p.tcpdumpOptions(list)
				return p.hasWin
			}
			seq, after, number := cutNumber(word)
			if number && strings.HasPrefix(after, ":") && !p.hasSeq {
				p.seq, p.hasSeq = seq, true
				if _, length, found := strings.Cut(after, "("); found {
					n, _ := leadingNumber(length, maxPayload)
					p.seg.Len = uint32(n)
				}
			}
		}
	}
	return ok && p.hasWin
}

// after is what follows a mark, "" without it.
func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

func numberAfter(s, mark string, most uint64) (uint64, bool) {
	return leadingNumber(after(s, mark), most)
}

// leadingNumber reads the number that s begins with.
func leadingNumber(s string, most uint64) (uint64, bool) {
	s = strings.TrimLeft(s, " ")
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(s[:i], 10, 64)
	return n, err == nil && n <= most
}

// cutNumber cuts the 32-bit number off that s begins with. A negative one is
// modulo 2^32.
func cutNumber(s string) (n uint32, rest string, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	i := 0
	for i < len(digits) && digits[i] >= '0' && digits[i] <= '9' {
		i++
	}
	v, err := strconv.ParseUint(digits[:i], 10, 32)
	if err != nil {
		return 0, s, false
	}
	n = uint32(v)
	if negative {
		n = -n
	}
	return n, digits[i:], true
}
