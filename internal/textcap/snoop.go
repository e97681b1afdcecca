package textcap

import (
	"net/netip"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// startsSnoop recognises a line of Solaris' snoop, after frame number and time:
// "client -> server TCP D=80 S=40000 Syn Seq=123 Len=0 Win=49640 Options=<mss 1460>", with -V after lines
// of the layers below: "client -> server IP  D=10.0.0.2 S=10.0.0.1 LEN=48, ID=7, TOS=0x0, TTL=64".
func startsSnoop(rest string) bool {
	_, after := cutWord(rest)
	after, arrow := strings.CutPrefix(after, " -> ")
	if !arrow {
		return false
	}
	_, layer := cutWord(after)
	layer = strings.TrimLeft(layer, " \t")
	return strings.HasPrefix(layer, "TCP D=") || strings.HasPrefix(layer, "ETHER Type=") || strings.HasPrefix(layer, "IP  D=") || strings.HasPrefix(layer, "IPv6  S=")
}

// snoop reads the lines of one packet, joined by blanks.
func (r *Reader) snoop(p *printed, text string) {
	src, rest := cutWord(text)
	dst, _ := cutWord(strings.TrimPrefix(rest, " -> "))
	if _, ip, ok := strings.Cut(text, " IP  D="); ok { // numbers, where names come before
		dst, ip = cutWord(ip)
		src, _ = cutWord(strings.TrimPrefix(ip, " S="))
		ttl, ok1 := numberAfter(ip, " TTL=", 255)
		id, ok2 := numberAfter(ip, " ID=", 65535)
		p.seg.TTL, p.seg.IPID, p.hasIP = uint8(ttl), uint16(id), ok1 && ok2
	}
	_, tcp, ok := strings.Cut(text, " TCP D=")
	if !ok {
		p.quoteLost = strings.Contains(text, " ICMP ") && strings.Contains(text, "nreachable")
		return
	}
	from, ok1 := r.names.host(src)
	to, ok2 := r.names.host(dst)
	if !ok1 || !ok2 {
		p.vague = true
		return
	}
	port, _ := leadingNumber(tcp, 65535)
	p.seg.Dst = reassembly.EndpointFrom(netip.AddrPortFrom(to, uint16(port)))
	port, _ = numberAfter(tcp, " S=", 65535)
	p.seg.Src = reassembly.EndpointFrom(netip.AddrPortFrom(from, uint16(port)))
	p.space = spaceRaw
	p.tcp = p.snoopTCP(tcp)
	p.vague = !p.tcp
}

// snoopTCP reads what follows the ports. Win is the last but for options.
func (p *printed) snoopTCP(s string) bool {
	for field := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(field, "=")
		n, rest, number := cutNumber(value)
		if number && rest != "" {
			return false // cut
		}
		switch name {
		case "Syn", "Fin", "Rst", "Push", "Urg":
			p.wiresharkFlags(strings.ToUpper(name))
		case "Ack":
			p.seg.Flags |= reassembly.ACK
			p.ack = n
		case "Seq":
			p.seq, p.hasSeq = n, number
		case "Len":
			p.seg.Len, p.hasLen = min(n, maxPayload), number
		case "Win":
			p.window, p.hasWin = n, number
			if list, _, ok := strings.Cut(after(s, "Options=<"), ">"); ok {
				p.tcpdumpOptions(list)
			}
			return p.hasSeq && p.hasLen
		}
	}
	return false
}
