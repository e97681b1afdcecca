package decode

import (
	"encoding/binary"
	"iter"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// subframes are those of an A-MSDU (IEEE 802.11 9.3.2.2.2) that have not been decoded, and
// what is known of what is around them.
type subframes struct {
	b      []byte
	wire   int // 0 if there are none
	tunnel uint32
	link   uint32
	depth  int
}

// More reports whether the frame that was decoded last has another packet: Next decodes it.
// Only an A-MSDU of 802.11 has several.
func (d *Decoder) More() bool { return d.rest.wire > 0 }

// Next fills seg from the next packet of the frame that was given to Decode last, whose
// bytes must be the same still. Its result is that of Decode.
func (d *Decoder) Next(seg *reassembly.Segment) Reason {
	seg.Tunnel, seg.Link, seg.ICMP = d.rest.tunnel, d.rest.link, reassembly.ICMP{}
	d.depth, d.bounded, d.nested = d.rest.depth, false, false
	return d.subframe(seg)
}

// Packets decodes all packets of a frame, as Decode and Next do: seg is that of each result.
func (d *Decoder) Packets(link uint32, data []byte, wire int, at int64, seg *reassembly.Segment) iter.Seq[Reason] {
	return func(yield func(Reason) bool) {
		reason := d.Decode(link, data, wire, at, seg)
		for yield(reason) && d.More() {
			reason = d.Next(seg)
		}
	}
}

// aggregated reads the first subframe of an A-MSDU, and leaves the others to Next.
func (d *Decoder) aggregated(b []byte, wire int, seg *reassembly.Segment) Reason {
	d.rest = subframes{b: b, wire: wire, tunnel: seg.Tunnel, link: seg.Link, depth: d.depth}
	return d.subframe(seg)
}

// subframe reads two addresses, a length and LLC. Each but the last is padded to a multiple of
// four bytes. What is shorter than the least that can follow is a checksum.
func (d *Decoder) subframe(seg *reassembly.Segment) Reason {
	const header, fcs, least = 14, 4, 14 + 8
	b, wire := d.rest.b, d.rest.wire
	d.rest.wire = 0
	if len(b) < header {
		return short(wire, header, Undecodable)
	}
	size := int(binary.BigEndian.Uint16(b[header-2:]))
	left := wire - header - size
	if left < 0 {
		return Undecodable
	}
	if padded := (header + size + 3) &^ 3; left >= fcs+least {
		d.rest.b, d.rest.wire = b[min(padded, len(b)):], wire-padded
	}
	b, wire = d.within(size, b[header:], wire-header)
	return d.llc(b, wire, seg)
}
