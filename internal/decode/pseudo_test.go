package decode_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestDecode_pseudoHeaders: a header before the frame says how long it is, and what
// link type follows. Cut anywhere, or nested without end, nothing happens.
func TestDecode_pseudoHeaders(t *testing.T) {
	want := reassembly.Segment{Seq: 7, Flags: reassembly.SYN}
	want.Src.Addr, want.Dst.Addr = [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: 1}, [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: 2}
	frame, _ := packet.Append(nil, &want, packet.Form{})
	le, be := binary.LittleEndian, binary.BigEndian
	pktap := func(order binary.AppendByteOrder, link uint32, inside []byte) []byte {
		b := order.AppendUint32(nil, 108)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint32(b, link)
		return append(append(b, make([]byte, 96)...), inside...)
	}
	ppi := func(link uint32, inside []byte) []byte {
		b := le.AppendUint16([]byte{0, 0}, 12)
		return append(append(le.AppendUint32(b, link), 1, 2, 3, 4), inside...)
	}
	wifi := slices.Concat([]byte{8, 0, 0, 0}, make([]byte, 20), []byte{0xaa, 0xaa, 3, 0, 0, 0}, frame[12:])
	avs := append(be.AppendUint32(be.AppendUint32(nil, 0x80211001), 64), make([]byte, 56)...)
	for name, c := range map[string]struct {
		link uint32
		data []byte
	}{
		"PKTAP":               {258, pktap(le, 1, frame)},
		"PKTAP, big-endian":   {258, pktap(be, 101, frame[14:])},
		"PKTAP as USER2":      {149, pktap(le, 1, frame)},
		"PPI":                 {192, ppi(1, frame)},
		"PPI with 802.11":     {192, ppi(105, wifi)},
		"802.11 with AVS":     {163, append(avs, wifi...)},
		"PKTAP within itself": {258, pktap(le, 258, pktap(le, 1, frame))},
	} {
		var seg reassembly.Segment
		d := decode.New()
		if why := d.Decode(c.link, c.data, len(c.data), 0, &seg); why != decode.OK || seg.Seq != want.Seq || seg.Flags != want.Flags {
			t.Errorf("%s: %v, %+v", name, why, seg)
		}
		for n := range c.data {
			d.Decode(c.link, c.data[:n], len(c.data), 0, &seg)
		}
	}
	deep := frame
	for range 100 {
		deep = ppi(192, deep)
	}
	if why := decode.New().Decode(192, deep, len(deep), 0, &want); why != decode.Undecodable {
		t.Errorf("a hundred headers: %v", why)
	}
}
