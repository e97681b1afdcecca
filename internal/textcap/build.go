package textcap

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Link types of rebuilt frames (https://www.tcpdump.org/linktypes.html).
const (
	linkEthernet = 1
	linkRaw      = 101
	linkSLL      = 113
	linkSLL2     = 276
)

const ethernetHeader = 14

// otherPacket stands for a packet that is not TCP, or of which the text says too
// little: an IPv4 header of a protocol number that nobody uses (RFC 3692).
var otherPacket = []byte{0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 253, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}

// build makes a frame of what the text says.
func (p *printed) build(fr *Frame) {
	switch {
	case p.bytes != nil:
		fr.Data, fr.Link, fr.Len = p.bytes, p.link, max(p.wire, len(p.bytes))
		if p.stamp.kind == noStamp {
			fr.Missing = reassembly.MissingTime
		}
	case p.tcp:
		p.segment(fr)
	case p.icmp != nil:
		fr.Data = p.icmp.frame(fr.Data[:0])
		fr.Link, fr.Len = linkRaw, len(fr.Data)
		if !p.icmp.hasSeq {
			fr.Missing = reassembly.MissingSeq
		}
	case p.fragment&0x1fff != 0 && p.hasIP && p.ipLen > 20:
		fr.Data, fr.Link, fr.Len = p.fragmentHeader(fr.Data[:0]), linkRaw, p.ipLen
	default:
		fr.Data, fr.Link, fr.Len = append(fr.Data[:0], otherPacket...), linkRaw, len(otherPacket)
	}
}

// segment makes the headers of a segment: an Ethernet frame if the text has
// addresses, else an IP packet.
func (p *printed) segment(fr *Frame) {
	seg := &p.seg
	if !p.hasIP {
		seg.Missing |= reassembly.MissingIP
		seg.TTL = 64
	}
	if !p.hasWin {
		seg.Missing |= reassembly.MissingWindow
	}
	if p.stamp.kind == noStamp {
		seg.Missing |= reassembly.MissingTime
	}
	seg.Window = uint16(min(p.window, 65535))
	if packet.OptionBytes(&seg.Opts) > packet.MaxOptions {
		seg.Opts = reassembly.Options{Has: reassembly.OptionsMalformed}
	}
	form := packet.Form{Src: p.macs[0], Dst: p.macs[1], Tags: p.tags}
	if len(p.options) > 0 && len(p.options) <= packet.MaxOptions {
		form.Options = p.options
	}
	data, headers := packet.Append(fr.Data[:0], seg, form)
	ip := ethernetHeader + 4*len(p.tags)
	if !packet.IsIPv6(seg) && p.hasIP {
		binary.BigEndian.PutUint16(data[ip+6:], p.fragment)
	}
	fr.Data, fr.Link, fr.Len, fr.Missing = data, linkEthernet, headers+int(seg.Len), seg.Missing
	if !p.hasMACs {
		fr.Data, fr.Link, fr.Len = data[ip:], linkRaw, fr.Len-ip
	}
}

// fragmentHeader is the IPv4 header of a fragment.
func (p *printed) fragmentHeader(b []byte) []byte {
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(p.ipLen))
	b = binary.BigEndian.AppendUint16(b, p.seg.IPID)
	b = binary.BigEndian.AppendUint16(b, p.fragment)
	b = append(b, p.seg.TTL, 6, 0, 0)
	b = append(b, p.seg.Src.Addr[12:]...)
	return append(b, p.seg.Dst.Addr[12:]...)
}
