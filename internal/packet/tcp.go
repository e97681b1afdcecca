package packet

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// MaxOptions is the room for options in a TCP header, in bytes.
const MaxOptions = maxHeader - 20

const noOperation = 1

// appendTCP writes a TCP header in its form, without its checksum. It
// also returns how much of it the capture has.
func appendTCP(dst []byte, seg *reassembly.Segment, form *Form) (header []byte, captured int) {
	dst = binary.BigEndian.AppendUint16(dst, seg.Src.Port)
	dst = binary.BigEndian.AppendUint16(dst, seg.Dst.Port)
	dst = binary.BigEndian.AppendUint32(dst, uint32(seg.Seq))
	dst = binary.BigEndian.AppendUint32(dst, uint32(seg.Ack))
	dst = append(dst, 0, byte(seg.Flags))
	dst = binary.BigEndian.AppendUint16(dst, seg.Window)
	dst = append(dst, 0, 0, 0, 0) // checksum, urgent pointer
	if form.Options != nil {
		dst = append(dst, form.Options...)
	} else {
		dst = appendOptions(dst, &seg.Opts)
	}
	captured = len(dst)
	if seg.Opts.Has&reassembly.OptionsCut != 0 {
		dst = append(dst, noOperation)
	}
	for len(dst)%4 != 0 || len(dst) < form.TCPHeader {
		dst = append(dst, noOperation)
	}
	dst[12] = byte(len(dst) / 4 << 4)
	if seg.Opts.Has&reassembly.OptionsCut == 0 {
		captured = len(dst)
	}
	return dst, captured
}

// appendOptions writes the options (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 8684).
func appendOptions(dst []byte, o *reassembly.Options) []byte {
	if o.Has&reassembly.HasMSS != 0 {
		dst = append(dst, 2, 4)
		dst = binary.BigEndian.AppendUint16(dst, o.MSS)
	}
	if o.Has&reassembly.HasScale != 0 {
		dst = append(dst, 3, 3, o.Scale)
	}
	if o.Has&reassembly.HasSACKPermitted != 0 {
		dst = append(dst, 4, 2)
	}
	if o.Has&reassembly.HasMPTCP != 0 {
		dst = append(dst, 30, 4, 2<<4, 0) // a data sequence signal that says nothing: any segment may have one (RFC 8684 3.3)
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		dst = append(dst, 8, 10)
		dst = binary.BigEndian.AppendUint32(dst, o.TSVal)
		dst = binary.BigEndian.AppendUint32(dst, o.TSEcr)
	}
	if o.NBlocks > 0 {
		dst = append(dst, 5, 2+8*o.NBlocks)
	}
	for _, b := range o.Blocks[:o.NBlocks] {
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.From))
		dst = binary.BigEndian.AppendUint32(dst, uint32(b.To))
	}
	if o.Has&reassembly.OptionsMalformed != 0 {
		const experiment = 253 // RFC 4727 7.2
		dst = append(dst, experiment, 1)
	}
	return dst
}

// OptionBytes is the room that the options need in a header, in bytes. It may
// exceed MaxOptions; such options cannot be written.
func OptionBytes(o *reassembly.Options) int {
	var buf [64]byte
	n := len(appendOptions(buf[:0], o))
	if o.Has&reassembly.OptionsCut != 0 {
		n++ // the part that was cut off
	}
	return n
}
