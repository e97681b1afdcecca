package textcap

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// assemble makes a segment of the fields.
func (p *printed) assemble() {
	v := p.values
	if n, ok := p.number("frame.number"); ok {
		p.num = uint32(n)
	}
	p.fieldTime()
	src, dst := v["ip.src"], v["ip.dst"]
	if src == "" {
		src, dst = v["ipv6.src"], v["ipv6.dst"]
	}
	a, err1 := netip.ParseAddr(src)
	b, err2 := netip.ParseAddr(dst)
	if v["icmp.type"] != "" || v["icmpv6.type"] != "" {
		p.fieldICMP(a, b)
		return
	}
	from, ok1 := p.number("tcp.srcport")
	to, ok2 := p.number("tcp.dstport")
	flags, ok3 := p.number("tcp.flags")
	if err1 != nil || err2 != nil || !ok1 || !ok2 || !ok3 {
		p.vague = strings.Contains(v["frame.protocols"], ":tcp")
		p.hosts(a, b)
		return
	}
	seg := &p.seg
	seg.Src = reassembly.EndpointFrom(netip.AddrPortFrom(a.WithZone(""), uint16(from)))
	seg.Dst = reassembly.EndpointFrom(netip.AddrPortFrom(b.WithZone(""), uint16(to)))
	seg.Flags = reassembly.Flags(flags)
	length, _ := p.number("tcp.len")
	seg.Len = uint32(min(length, maxPayload))
	p.tcp = true
	p.fieldNumbers()
	p.fieldIP()
	if parseMAC(&p.macs[0], v["eth.src"]) && parseMAC(&p.macs[1], v["eth.dst"]) {
		p.hasMACs = true
		for tag := range strings.FieldsSeq(v["vlan.id"]) {
			if n, err := strconv.ParseUint(tag, 0, 12); err == nil && len(p.tags) < 8 {
				p.tags = append(p.tags, uint16(n))
			}
		}
	}
	header, ok := p.number("tcp.hdr_len")
	if whole, captured := v["frame.len"], v["frame.cap_len"]; v["tcp.options"] == "" && whole != captured && (!ok || header > 20) {
		seg.Opts.Has |= reassembly.OptionsCut
	}
	p.options, _ = hex.DecodeString(strings.ReplaceAll(v["tcp.options"], ":", ""))
}

func (p *printed) fieldTime() {
	if at, ok := parseSeconds(p.values["frame.time_epoch"]); ok {
		p.stamp = stamp{fromDate, at}
	} else if s, rest := cutStamp(p.values["frame.time_epoch"]); s.kind == fromDate && rest == "" { // Wireshark 4.2
		p.stamp = s
	} else if at, ok := parseSeconds(p.values["frame.time_relative"]); ok {
		p.stamp = stamp{fromStart, at}
	}
}

// fieldNumbers are sequence numbers and window: raw, unless Wireshark is older than
// 3.2 (2019) and says only what they are relative to the first.
func (p *printed) fieldNumbers() {
	seq, ok := p.number("tcp.seq_raw")
	ack, _ := p.number("tcp.ack_raw")
	if !ok {
		seq, ok = p.number("tcp.seq")
		ack, _ = p.number("tcp.ack")
		p.space = spaceWireshark
	}
	p.seq, p.ack, p.hasSeq = uint32(seq), uint32(ack), ok
	window, ok := p.number("tcp.window_size_value")
	if !ok {
		window, ok = p.number("tcp.window_size")
		p.scaled = ok
	}
	p.window, p.hasWin = uint32(window), ok
}

func (p *printed) fieldIP() {
	if ttl, ok := p.number("ipv6.hlim"); ok {
		p.seg.TTL, p.hasIP = uint8(ttl), true
		return
	}
	ttl, ok1 := p.number("ip.ttl")
	id, ok2 := p.number("ip.id")
	flags, ok3 := p.number("ip.flags")
	offset, _ := p.number("ip.frag_offset")
	p.seg.TTL, p.seg.IPID, p.hasIP = uint8(ttl), uint16(id), ok1 && ok2
	p.fragment = 0x4000
	if ok3 { // three bits, in old versions at their place in one or two bytes
		if flags > 0xff {
			flags >>= 13
		} else if flags > 7 {
			flags >>= 5
		}
		p.fragment = uint16(flags)<<13 | uint16(offset/8)&0x1fff
	}
}

// number is the value of a field, decimal or hexadecimal.
func (p *printed) number(name string) (uint64, bool) {
	n, err := strconv.ParseUint(p.values[name], 0, 32)
	return n, err == nil
}

// fieldICMP reads an ICMP or ICMPv6 error and what it quotes.
func (p *printed) fieldICMP(from, to netip.Addr) {
	get := func(name string) uint64 { n, _ := p.number(name); return n }
	icmp, ip, id, ttl := "icmp.", "quote.ip.", "quote.ip.id", "quote.ip.ttl"
	if p.values["icmpv6.type"] != "" {
		icmp, ip, id, ttl = "icmpv6.", "quote.ipv6.", "", "quote.ipv6.hlim"
	}
	e := &icmpError{
		kind: byte(get(icmp + "type")), code: byte(get(icmp + "code")), mtu: uint16(min(get(icmp+"mtu"), math.MaxUint16)), from: from, to: to,
		ttl: byte(get(ttl)), id: uint16(get(id)), length: int(get(ip + "len")),
	}
	if to.Is6() {
		e.length = ipv6Header + int(get(ip+"plen"))
	}
	seq, ok := p.number("quote.tcp.seq_raw")
	if _, known := p.values["quote.tcp.ack_raw"]; !ok && (known || p.values["quote.tcp.flags"] == "") { // tshark relates it to nothing: of eight bytes, or since 3.2
		seq, ok = p.number("quote.tcp.seq")
	}
	e.seq, e.hasSeq = uint32(seq), ok
	src, err1 := netip.ParseAddr(p.values[ip+"src"])
	dst, err2 := netip.ParseAddr(p.values[ip+"dst"])
	sport, ok1 := p.number("quote.tcp.srcport")
	dport, ok2 := p.number("quote.tcp.dstport")
	if v4 := to.Is4(); err1 != nil || err2 != nil || !ok1 || !ok2 || from.Is4() != v4 || src.Is4() != v4 || dst.Is4() != v4 {
		p.quoteLost = e.isError()
		return
	}
	e.src = reassembly.EndpointFrom(netip.AddrPortFrom(src.WithZone(""), uint16(sport)))
	e.dst = reassembly.EndpointFrom(netip.AddrPortFrom(dst.WithZone(""), uint16(dport)))
	p.icmp = e
}
