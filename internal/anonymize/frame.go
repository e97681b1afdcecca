package anonymize

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Frame is a captured frame and what was decoded from it.
type Frame struct {
	Link uint32 // number of the tcpdump.org link-layer header types list
	Data []byte
	TCP  int                // offset of the TCP header in Data; -1 if it came in fragments
	Seg  reassembly.Segment // before Mapper.Segment
}

// AppendFrame appends an Ethernet frame that is rebuilt from the rewritten
// segment, the rewritten link-layer addresses and the VLANs: nothing else of the
// original can leak. The frame ends with the TCP header, or with as many zeroes
// as there was payload. A right checksum stays right, an offloaded one stays
// offloaded and a wrong one wrong; if the original is unknown, it is right. Wire
// is the frame's length on the wire, in bytes.
func (m *Mapper) AppendFrame(dst []byte, f *Frame, payload bool) (frame []byte, wire int) {
	seg := f.Seg
	m.Segment(&seg)
	if packet.OptionBytes(&seg.Opts) > packet.MaxOptions { // the marker takes more room than what it marks
		seg.Opts.Has &^= reassembly.OptionsMalformed
	}
	form := packet.Form{Tags: m.tags(f)}
	to, from := linkAddresses(f)
	form.Dst, form.Src = m.mac(to), m.mac(from)
	held := 0
	if f.TCP >= 0 && !f.Seg.IsQuote() {
		tcp := f.Data[f.TCP:]
		form.TCPHeader = int(tcp[12]>>4) * 4
		held = min(max(len(tcp)-form.TCPHeader, 0), int(seg.Len))
		if held == int(seg.Len) && len(tcp) >= form.TCPHeader {
			form.Sum = packet.SumOf(tcp[:form.TCPHeader+held], &f.Seg)
		}
	}
	frame, headers := packet.Append(dst, &seg, form)
	if payload {
		frame = append(frame, make([]byte, held)...)
	}
	return frame, headers + packet.Payload(&seg)
}

// Link types, by their LINKTYPE_ values.
const (
	linkEthernet = 1
	linkSLL      = 113
	linkSLL2     = 276
)

// linkAddresses are the frame's link-layer addresses, zero if it has none: a
// Linux cooked header has only the sender's.
func linkAddresses(f *Frame) (to, from [6]byte) {
	switch d := f.Data; {
	case f.Link == linkEthernet && len(d) >= 12:
		return [6]byte(d), [6]byte(d[6:])
	case f.Link == linkSLL && len(d) >= 12:
		return to, [6]byte(d[6:])
	case f.Link == linkSLL2 && len(d) >= 18:
		return to, [6]byte(d[12:])
	}
	return to, from
}

// mac replaces a link-layer address by a locally administered one (IEEE 802
// 8.2.2); the group bit stays. The zero and the broadcast address stay.
func (m *Mapper) mac(a [6]byte) [6]byte {
	const group, local = 0x01, 0x02
	if (a == [6]byte{}) || a == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} {
		return a
	}
	b := [6]byte(m.hash("link", a[:]))
	b[0] = b[0]&^group | a[0]&group | local
	return b
}

// tags are the replacements of the frame's VLANs. Any other tunnel becomes one VLAN, whose number
// identifies it as well as 12 bits can.
func (m *Mapper) tags(f *Frame) []uint16 {
	if f.Seg.Tunnel == 0 {
		return nil
	}
	if tags, only := vlans(f); only {
		for i, id := range tags {
			tags[i] = m.vlanID(id)
		}
		return tags
	}
	const numbers = 4094 // IEEE 802.1Q 9.6
	return []uint16{1 + uint16(m.number("tunnel", binary.BigEndian.AppendUint32(nil, f.Seg.Tunnel))%numbers)}
}

// vlans are the VLAN identifiers of an Ethernet frame, and whether there is no
// other tunnel.
func vlans(f *Frame) (tags []uint16, only bool) {
	if f.Link != linkEthernet {
		return nil, false
	}
	for b := f.Data[min(12, len(f.Data)):]; len(b) > 4; b = b[4:] {
		switch binary.BigEndian.Uint16(b) {
		case 0x8100, 0x88a8, 0x9100:
			tags = append(tags, binary.BigEndian.Uint16(b[2:])&0x0fff)
		case 0x0800:
			return tags, f.TCP == len(f.Data)-len(b)+2+int(b[2]&0x0f)*4
		case 0x86dd:
			return tags, f.TCP == len(f.Data)-len(b)+2+40
		default:
			return nil, false
		}
	}
	return nil, false
}
