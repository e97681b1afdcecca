package decode

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// 802.11 headers, and those that monitor mode puts before them, have many forms.
// gopacket finds their end.

func (d *Decoder) radiotap(b []byte, wire int, seg *reassembly.Segment) Reason {
	var h layers.RadioTap
	n, r := headerLength(&h, b, wire)
	if r != OK {
		return r
	}
	return d.wifi(b[n:], wire-n, h.Flags.Datapad(), seg)
}

func (d *Decoder) prism(b []byte, wire int, seg *reassembly.Segment) Reason {
	var h layers.PrismHeader
	n, r := headerLength(&h, b, wire)
	if r != OK {
		return r
	}
	return d.wifi(b[n:], wire-n, false, seg)
}

// wifi reads a frame of IEEE 802.11. padded says that the driver has padded the
// header to a multiple of four bytes (radiotap.org, field "flags").
func (d *Decoder) wifi(b []byte, wire int, padded bool, seg *reassembly.Segment) Reason {
	const (
		noData    = 0x40 // of the subtype, in frame control (IEEE 802.11 9.2.4.1.3)
		aggregate = 0x80 // A-MSDU present, in QoS control (IEEE 802.11 9.2.4.5.9)
	)
	var h layers.Dot11
	n, r := headerLength(&h, b, wire)
	if r != OK {
		return r
	}
	if h.Type.MainType() != layers.Dot11TypeData || b[0]&noData != 0 || h.FragmentNumber != 0 {
		return NotTCP
	}
	if h.Flags.WEP() {
		return Encrypted
	}
	if h.QOS != nil {
		qos := 24
		if h.Address4 != nil {
			qos += len(h.Address4)
		}
		if b[qos]&aggregate != 0 {
			return Undecodable
		}
	}
	seg.Link = addressPair(b[4:])
	if padded {
		n = min((n+3)&^3, len(b))
	}
	return d.llc(b[n:], wire-n, seg)
}

// A linkHeader is one of gopacket's.
type linkHeader interface {
	gopacket.DecodingLayer
	LayerContents() []byte
}

// headerLength returns the length of the header h at the start of b. gopacket
// 1.1.19 gets a copy, because it moves bytes within a padded radiotap frame, with
// room for the checksum that it requires. It panics on headers that claim to be
// longer than they are.
func headerLength(h linkHeader, b []byte, wire int) (n int, r Reason) {
	defer func() {
		if recover() != nil {
			n, r = 0, short(wire, len(b)+1, Undecodable)
		}
	}()
	var room [512]byte
	const checksum = 4
	c := copy(room[:len(room)-checksum], b)
	if err := h.DecodeFromBytes(room[:c+checksum], gopacket.NilDecodeFeedback); err != nil {
		return 0, short(wire, len(b)+1, Undecodable)
	}
	n = len(h.LayerContents())
	if n > len(b) {
		return 0, short(wire, n, MalformedLink)
	}
	return n, OK
}
