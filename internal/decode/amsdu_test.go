package decode

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// subframe is one of an A-MSDU, padded if another follows.
func subframe(last bool, payload []byte) []byte {
	b := cat(macs, be16(uint16(len(payload))), payload)
	for !last && len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Each packet of an A-MSDU is decoded as if it were alone, wherever it is and whatever is beside it.
func TestPackets(t *testing.T) {
	seg, more := tcp(timestamps, data), tcp(nil, []byte("nineteen bytes more"))
	first, second := snap(typeIPv4, ipv4(protoTCP, seg)), snap(typeIPv4, ipv4(protoTCP, more))
	other := snap(typeIPv4, ipv4(protoUDP, udp(53, data)))
	big := snap(typeIPv4, ipv4(protoTCP, tcp(nil, make([]byte, 1400))))
	aggregate := func(parts ...[]byte) []byte { return wifi(0x88, 0x01, be16(0x8000), cat(parts...)) }
	inGRE := func(b []byte) []byte {
		return ethernet(typeIPv4, ipv4(protoGRE, cat(be16(0, 0x8200), b)))
	}
	for _, c := range []struct {
		name  string
		link  uint32
		frame []byte
		cut   int // bytes that were not captured
		want  []Reason
		len   []uint32
	}{
		{"two", link80211, aggregate(subframe(false, first), subframe(true, second)), 0, []Reason{OK, OK}, []uint32{20, 19}},
		{"two, and a checksum", linkRadiotap, radiotap(0x10, aggregate(subframe(false, first), subframe(false, second), be32(1))), 0, []Reason{OK, OK}, []uint32{20, 19}},
		{"three", link80211, aggregate(subframe(false, first), subframe(false, second), subframe(true, first)), 0, []Reason{OK, OK, OK}, []uint32{20, 19, 20}},
		{"another protocol before", link80211, aggregate(subframe(false, other), subframe(true, second)), 0, []Reason{NotTCP, OK}, []uint32{19}},
		{"another protocol after", link80211, aggregate(subframe(false, second), subframe(true, other)), 0, []Reason{OK, NotTCP}, []uint32{19}},
		{"in a tunnel", linkEthernet, inGRE(aggregate(subframe(false, second), subframe(true, first))), 0, []Reason{OK, OK}, []uint32{19, 20}},
		{"the second cut", link80211, aggregate(subframe(false, first), subframe(true, big)), 1420, []Reason{OK, Truncated}, []uint32{20}},
		{"cut between", link80211, aggregate(subframe(false, second), subframe(true, first)), 14 + len(first), []Reason{OK, Truncated}, []uint32{19}},
		{"longer than the frame", link80211, aggregate(subframe(false, first), cat(macs, be16(2000), second)), 0, []Reason{OK, Undecodable}, []uint32{20}},
	} {
		d, got := New(), stale()
		var reasons []Reason
		var lengths []uint32
		for r := range d.Packets(c.link, c.frame[:len(c.frame)-c.cut], len(c.frame), 0, &got) {
			if reasons = append(reasons, r); r != OK {
				continue
			}
			lengths = append(lengths, got.Len)
			if got.Src.Port != 40000 || got.Link == 0 || (got.Tunnel != 0) != (c.link == linkEthernet) || got.IsQuote() {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
		if !slices.Equal(reasons, c.want) || !slices.Equal(lengths, c.len) || d.More() {
			t.Errorf("%s: %v of %d bytes, want %v of %d", c.name, reasons, lengths, c.want, c.len)
		}
	}
}

// What nobody asked for is not left to the frame after it.
func TestDecode_forgetsSubframes(t *testing.T) {
	p := snap(typeIPv4, ipv4(protoTCP, tcp(timestamps, data)))
	frame := wifi(0x88, 0x01, be16(0x8000), subframe(false, p), subframe(true, p))
	d := New()
	var seg reassembly.Segment
	if r := d.Decode(link80211, frame, len(frame), 0, &seg); r != OK || !d.More() {
		t.Fatal(r, d.More())
	}
	plain := ethernet(typeIPv4, ipv4(protoTCP, tcp(timestamps, data)))
	if r := d.Decode(linkEthernet, plain, len(plain), 0, &seg); r != OK || d.More() {
		t.Error(r, d.More())
	}
}
