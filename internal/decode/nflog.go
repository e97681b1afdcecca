package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// nflog reads a packet that Linux's packet filter has logged (LINKTYPE_NFLOG):
// address family, version, resource, and fields, one of which is the packet.
// Lengths and types are in the byte order of the capturing host. A length
// includes its own four bytes and is rounded up to four.
func (d *Decoder) nflog(b []byte, wire int, seg *reassembly.Segment) Reason {
	const (
		header  = 4
		field   = 4
		payload = 9 // NFULA_PAYLOAD
	)
	if len(b) < header {
		return short(wire, header, MalformedLink)
	}
	for b, wire = b[header:], wire-header; wire > 0; {
		if len(b) < field {
			return short(wire, field, MalformedLink)
		}
		size, kind := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if kind > 0xff { // types fit into a byte, which reveals the order
			size, kind = int(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[2:])
		}
		switch {
		case size < field:
			return MalformedLink
		case kind == payload:
			b, wire = d.within(size-field, b[field:], wire-field)
			return d.ip(b, wire, seg)
		}
		size = (size + 3) &^ 3
		if len(b) < size {
			return short(wire, size, MalformedLink)
		}
		b, wire = b[size:], wire-size
	}
	return NotTCP
}
