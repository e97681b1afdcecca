package textcap

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// maxBytes bounds the bytes of a packet that are kept. Headers are far shorter.
const maxBytes = 64 << 10

// hexLine reads one line of a hex dump: "0x0010:  0a4d 0102 ae7a  .M...z", of
// tcpdump, FortiGate or tshark -x ("0010  0a 4d 01 02   .M.."). It returns the
// offset and the bytes.
func hexLine(line string) (offset int, b []byte, ok bool) {
	word, rest := cutWord(line)
	digits, marked := strings.CutPrefix(word, "0x")
	digits = strings.TrimSuffix(digits, ":")
	if len(digits) < 4 || len(digits) > 8 || rest == "" {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || n%16 != 0 || !marked && len(word) != len(digits) {
		return 0, nil, false
	}
	rest = strings.TrimLeft(rest, " \t")
	b = make([]byte, 0, 16)
	for len(b) < 16 {
		i := 0
		for i < len(rest) && isHex(rest[i]) {
			i++
		}
		if i != 2 && i != 4 || i < len(rest) && rest[i] != ' ' && rest[i] != '\t' {
			break
		}
		part, _ := hex.DecodeString(rest[:i])
		b = append(b, part...)
		rest = rest[i:]
		blanks := len(rest) - len(strings.TrimLeft(rest, " \t"))
		if blanks > 1 && !(i == 2 && blanks == 2 && len(b) == 8) { // what follows is text
			break
		}
		rest = rest[blanks:]
	}
	return int(n), b, len(b) > 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// dump adds a line of a hex dump to a packet. A line that does not continue the
// dump is passed over.
func (p *printed) dump(offset int, b []byte) {
	if offset == len(p.bytes) && len(p.bytes) < maxBytes {
		p.bytes = append(p.bytes, b...)
	}
}

// recogniseBytes finds out how the bytes of a packet begin. tcpdump -x prints IP,
// -xx what the interface captured; nothing says so but the bytes. Bytes that are
// nothing known are dropped.
func (p *printed) recogniseBytes() {
	switch b := p.bytes; {
	case b == nil:
	case p.tcp && p.isIP(b, 0), !p.tcp && isIPHeader(b):
		p.link = linkRaw
	case ethernetIP(b):
		p.link = linkEthernet
	case len(b) > 16 && b[0] == 0 && b[1] <= 4 && isEtherType(b[14:]):
		p.link = linkSLL
	case len(b) > 20 && isEtherType(b) && b[2] == 0 && b[3] == 0:
		p.link = linkSLL2
	default:
		p.findIP()
	}
	if p.bytes != nil { // the text does not say how long the frame was, but its IP header does
		if at := ipOffset(p.link, p.bytes); isIPHeader(p.bytes[at:]) {
			p.wire = at + ipLength(p.bytes[at:])
		}
	}
}

// ipOffset is where IP begins if it follows the link layer's header.
func ipOffset(link uint32, b []byte) int {
	at := 0
	switch link {
	case linkEthernet:
		at = ethernetHeader
	case linkSLL:
		at = 16
	case linkSLL2:
		at = 20
	}
	return min(at, len(b))
}

// findIP drops what is before the IP header that the line tells of.
func (p *printed) findIP() {
	if p.tcp {
		for i := range min(len(p.bytes), 128) {
			if p.isIP(p.bytes, i) {
				p.bytes, p.link = p.bytes[i:], linkRaw
				return
			}
		}
	}
	p.bytes = nil
}

// isIP reports whether the packet that the line tells of begins at i.
func (p *printed) isIP(b []byte, i int) bool {
	b = b[i:]
	if !isIPHeader(b) {
		return false
	}
	src, dst := p.seg.Src.AddrPort().Addr(), p.seg.Dst.AddrPort().Addr()
	if b[0]>>4 == 4 {
		return src == addr4(b[12:]) && dst == addr4(b[16:])
	}
	return src == addr6(b[8:]) && dst == addr6(b[24:])
}

func addr4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }
func addr6(b []byte) netip.Addr { return netip.AddrFrom16([16]byte(b)) }

// isIPHeader reports whether an IP header may begin here.
func isIPHeader(b []byte) bool {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return b[0]&15 >= 5
	case len(b) >= 40:
		return b[0]>>4 == 6
	}
	return false
}

func ethernetIP(b []byte) bool { return len(b) > ethernetHeader && isEtherType(b[12:]) }

// isEtherType reports whether IP, ARP or a VLAN tag follows.
func isEtherType(b []byte) bool {
	switch binary.BigEndian.Uint16(b) {
	case 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8864, 0x8863:
		return true
	}
	return false
}

// ipLength is the length that an IP header states, 0 if it states none.
func ipLength(b []byte) int {
	if b[0]>>4 == 4 {
		return int(binary.BigEndian.Uint16(b[2:]))
	}
	return 40 + int(binary.BigEndian.Uint16(b[4:]))
}
