package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The bytes of a record's header, and the most of a record that Run looks at: up to the end of
// timestamps in IPv6.
const (
	recordHeader = 16
	recordHead   = recordHeader + ethernetHeader + header6 + tcpHeader + 12
)

// Run decodes records in one pass from their bytes to segments, as long as each was captured after the one
// before, is what nearly every one is, and has room in segs. It returns how many, how
// many bytes they take, and the time of the last.
func (d *Decoder) Run(r *packet.Records, segs []reassembly.Segment) (n, bytes int, last int64) {
	last = r.Since
	if d.layers || d.VerifyChecksums {
		return 0, 0, last
	}
	block, second, unit, num, file, longest := r.Block, r.Second, r.Unit, r.Num, r.File, d.longest
records:
	for n < len(segs) && len(block) >= recordHead {
		rec := (*[recordHead]byte)(block)
		sec, frac := binary.LittleEndian.Uint32(rec[0:]), binary.LittleEndian.Uint32(rec[4:])
		size, wire := int(binary.LittleEndian.Uint32(rec[8:])), int(binary.LittleEndian.Uint32(rec[12:]))
		at := int64(sec)*1e9 + int64(frac)*unit
		if sec-minSecond >= maxSecond-minSecond || frac >= second || at < last || size > len(block)-recordHeader {
			break
		}
		seg := &segs[n]
		const ip = recordHeader + ethernetHeader
		var tcp *[tcpHeader + 12]byte
		var length, head int // of the segment, header included, and what of the frame comes before it
		switch which := binary.LittleEndian.Uint32(rec[ip-2:]); {
		case which&0xffffff == ethernetIPv4 && rec[ip+9] == protoTCP && binary.LittleEndian.Uint16(rec[ip+6:])&0xff3f == 0:
			if !headerRight((*[header4]byte)(rec[ip:])) {
				break records
			}
			length, head = int(binary.BigEndian.Uint16(rec[ip+2:]))-header4, ethernetHeader+header4
			seg.IPID, seg.TTL = binary.BigEndian.Uint16(rec[ip+4:]), rec[ip+8]
			mapIPv4(&seg.Src.Addr, rec[ip+12:])
			mapIPv4(&seg.Dst.Addr, rec[ip+16:])
			tcp = (*[tcpHeader + 12]byte)(rec[ip+header4:])
		case which&0xf0ffff == ethernetIPv6 && rec[ip+6] == protoTCP:
			length, head = int(binary.BigEndian.Uint16(rec[ip+4:])), ethernetHeader+header6
			seg.IPID, seg.TTL = 0, rec[ip+7]
			seg.Src.Addr, seg.Dst.Addr = [16]byte(rec[ip+8:]), [16]byte(rec[ip+24:])
			tcp = (*[tcpHeader + 12]byte)(rec[ip+header6:])
		default:
			break records
		}
		wire = max(wire, size)
		header := int(tcp[12]>>4) * 4
		if size < head+tcpHeader || header < tcpHeader || length < header || length > wire-head {
			break
		}
		seg.Opts = reassembly.Options{}
		switch {
		case header == tcpHeader+12 && size >= head+tcpHeader+12 && binary.LittleEndian.Uint32(tcp[tcpHeader:]) == timestampsOnlyLE:
			seg.Opts.Has = reassembly.HasTimestamps
			seg.Opts.TSVal, seg.Opts.TSEcr = binary.BigEndian.Uint32(tcp[tcpHeader+4:]), binary.BigEndian.Uint32(tcp[tcpHeader+8:])
		case header > tcpHeader:
			options := block[recordHeader+head+tcpHeader:]
			readOptions(options[:min(size-head, header)-tcpHeader], header-tcpHeader, &seg.Opts)
		}
		if wire > longest {
			longest = wire
		}
		num++
		seg.At, seg.Frame, seg.File, seg.Tap, seg.Missing = at, num, file, 0, 0
		seg.Tunnel, seg.Link, seg.ICMP = 0, addressPair(rec[recordHeader:]), reassembly.ICMP{}
		seg.Src.Port, seg.Dst.Port = binary.BigEndian.Uint16(tcp[0:]), binary.BigEndian.Uint16(tcp[2:])
		seg.Seq, seg.Ack = reassembly.Seq(binary.BigEndian.Uint32(tcp[4:])), reassembly.Seq(binary.BigEndian.Uint32(tcp[8:]))
		seg.Flags, seg.Window = reassembly.Flags(tcp[13]), binary.BigEndian.Uint16(tcp[14:])
		seg.Len = uint32(length - header)
		last = at
		block = block[recordHeader+size:]
		n++
	}
	d.Right, d.longest = d.Right+uint64(n), longest
	return n, len(r.Block) - len(block), last
}

// Seconds of a record lie between these, from 2011 to 2055: others may be the magic number of a file that begins there.
const minSecond, maxSecond = 0x4d3cb2a2, 0xa1b23c4d

// Types of Ethernet and the first bytes of IP headers, as little-endian machines read them: without
// options, of any class of traffic.
const (
	ethernetIPv4 = (4<<4|header4/4)<<16 | (typeIPv4&0xff)<<8 | typeIPv4>>8
	ethernetIPv6 = 6<<20 | (typeIPv6&0xff)<<8 | typeIPv6>>8

	timestampsOnlyLE = 10<<24 | optTimestamps<<16 | optNop<<8 | optNop
)
