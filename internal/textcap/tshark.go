package textcap

import (
	"net/netip"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// startsSummary recognises a line of a packet list, as tshark prints it and as
// Wireshark copies it, after frame number and time: "10.0.0.1 → 10.0.0.2 TCP 74
// 40000 → 443 [SYN] Seq=0 ...", or with tabs and without the first arrow.
func startsSummary(rest string) bool {
	_, after, ok1 := cutAddress(rest)
	after, arrow := cutArrow(after)
	_, after, ok2 := cutAddress(after)
	protocol, after := cutWord(after)
	if !ok1 || !ok2 { // with names, a segment is recognised by more; what is above TCP by its length
		length, _ := cutWord(after)
		return (protocol == "TCP" && strings.Contains(after, "] Seq=") || isProtocol(protocol) && isDigits(length)) && (arrow || strings.Contains(rest, "\t"))
	}
	if protocol == "" || protocol[0] < 'A' || protocol[0] > 'z' {
		return false
	}
	return arrow || strings.Contains(after, "Seq=") || strings.ContainsAny(after, "0123456789")
}

// isProtocol reports whether a word may be the name of a protocol: "TLSv1.2".
func isProtocol(s string) bool {
	return len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] < 'a' || s[1] > 'z')
}

// summaryProtocol is the protocol that a line of a packet list shows.
func summaryProtocol(text string) string {
	_, rest, _ := cutAddress(text)
	rest, _ = cutArrow(rest)
	_, rest, _ = cutAddress(rest)
	protocol, _ := cutWord(rest)
	return protocol
}

// neverTCP are frequent protocols that a packet list does not show of TCP segments.
var neverTCP = map[string]bool{
	"UDP": true, "QUIC": true, "GQUIC": true, "MDNS": true, "LLMNR": true, "NBNS": true, "NTP": true, "DHCP": true, "DHCPv6": true, "SSDP": true,
	"TFTP": true, "RTP": true, "RTCP": true, "SCTP": true, "ARP": true, "IGMPv2": true, "IGMPv3": true, "OSPF": true, "STP": true, "LLDP": true,
	"DTLSv1.2": true, "ISAKMP": true, "ESP": true,
}

// cutAddress cuts an IP address off, or a link-layer address.
func cutAddress(s string) (a netip.Addr, rest string, ok bool) {
	word, rest := cutWord(s)
	a, err := netip.ParseAddr(word)
	return a, rest, err == nil || isMAC(word) || strings.Contains(word, "_") && strings.Contains(word, ":")
}

var arrows = []string{"→", "->", "\u2192", "\xe2\x86\x92", ">"}

// cutArrow cuts an arrow off, of whatever form it took on its way.
func cutArrow(s string) (rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	for _, a := range arrows {
		if rest, ok := strings.CutPrefix(s, a); ok {
			return rest, true
		}
	}
	return s, false
}

// summary reads a line of a packet list.
func (r *Reader) summary(p *printed, text string) {
	p.quoteLost = isICMPError(text)
	if protocol := summaryProtocol(text); neverTCP[protocol] || strings.HasPrefix(protocol, "ICMP") {
		return
	}
	src, rest := r.summaryHost(text)
	rest, _ = cutArrow(rest)
	dst, rest := r.summaryHost(rest)
	p.hosts(src, dst)
	p.vague = src.IsValid() // without an address, it is no IP packet
	at := strings.Index(rest, "] Seq=")
	if at < 0 || !src.IsValid() || !dst.IsValid() { // the protocol above TCP is shown, if any is
		return
	}
	head, info := rest[:at], rest[at+len("] "):]
	open := strings.LastIndexByte(head, '[')
	if open < 0 || !p.wiresharkFlags(head[open+1:]) {
		return
	}
	ports := ports(head[:open])
	from, ok1 := r.names.port(ports[0])
	to, ok2 := r.names.port(ports[1])
	if !ok1 || !ok2 {
		return
	}
	p.seg.Src.Port, p.seg.Dst.Port, p.vague = from, to, false
	p.reused = strings.Contains(head, "Port numbers reused")
	p.resent = strings.Contains(head, "[TCP Retransmission]")
	p.tcp, p.space, p.scaled = true, spaceWireshark, true
	p.summaryFields(info)
	if strings.Contains(info, "[Packet size limited during capture]") {
		p.seg.Opts.Has |= reassembly.OptionsCut
	}
}

// ports are the last two that a text shows: "40000 → 443", or as Wireshark 1.12 to 2.0 did, "40000→443", of which
// web pages make "40000-443".
func ports(s string) (p [2]string) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return p
	}
	last := words[len(words)-1]
	for _, a := range append(arrows[:len(arrows):len(arrows)], "-", "?") {
		if from, to, ok := strings.Cut(last, a); ok && isDigits(from) && isDigits(to) {
			return [2]string{from, to}
		}
	}
	if len(words) >= 3 {
		p = [2]string{words[len(words)-3], last}
	}
	return p
}

// summaryHost cuts an address off, or a name, which gets an address; of the link layer, it gets none.
func (r *Reader) summaryHost(s string) (a netip.Addr, rest string) {
	a, rest, known := cutAddress(s)
	if !known {
		word, _ := cutWord(s)
		a, _ = r.names.host(word)
	}
	return a, rest
}

// wiresharkFlags reads "SYN, ACK". PUSH is snoop's.
func (p *printed) wiresharkFlags(s string) bool {
	if s == "<None>" {
		return true
	}
	for name := range strings.SplitSeq(s, ",") {
		switch strings.TrimSpace(name) {
		case "FIN":
			p.seg.Flags |= reassembly.FIN
		case "SYN":
			p.seg.Flags |= reassembly.SYN
		case "RST":
			p.seg.Flags |= reassembly.RST
		case "PSH", "PUSH":
			p.seg.Flags |= reassembly.PSH
		case "ACK":
			p.seg.Flags |= reassembly.ACK
		case "URG":
			p.seg.Flags |= reassembly.URG
		case "ECE", "ECN":
			p.seg.Flags |= reassembly.ECE
		case "CWR":
			p.seg.Flags |= reassembly.CWR
		case "AE", "NS", "Reserved":
		default:
			return false
		}
	}
	return true
}

// summaryFields reads "Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 SACK_PERM WS=128 ...".
func (p *printed) summaryFields(s string) {
	o := &p.seg.Opts
	var left uint32 // edge of a SACK block
	last := ""      // field
	for field := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(field, "=")
		n, rest, ok := cutNumber(value)
		last = name
		switch {
		case name == "SACK_PERM":
			o.Has |= reassembly.HasSACKPermitted
		case strings.HasPrefix(name, "[") && name != "[Packet":
			return
		case !ok || strings.HasPrefix(rest, "..."):
			continue
		}
		switch name {
		case "Seq":
			p.seq, p.hasSeq = n, true
		case "Ack":
			p.ack = n
		case "Win":
			p.window, p.hasWin = n, true
		case "Len":
			p.seg.Len, p.hasLen = min(n, maxPayload), true
		case "MSS":
			o.Has, o.MSS = o.Has|reassembly.HasMSS, uint16(n)
		case "WS":
			o.Has |= reassembly.HasScale
			for n > 1 && o.Scale < 14 {
				n, o.Scale = n/2, o.Scale+1
			}
		case "TSval":
			o.Has, o.TSVal = o.Has|reassembly.HasTimestamps, n
		case "TSecr", "TSER":
			o.TSEcr = n
		case "SLE":
			left = n
		case "SRE":
			if int(o.NBlocks) < len(o.Blocks) {
				o.Blocks[o.NBlocks] = reassembly.Block{From: reassembly.Seq(left), To: reassembly.Seq(n)}
				o.NBlocks++
			}
		}
	}
	if !p.hasLen { // the line was cut, perhaps within its last number
		p.hasWin = p.hasWin && last != "Win"
		p.tcp = last == "Win" || last == "Len"
		p.vague = !p.tcp
	}
}
