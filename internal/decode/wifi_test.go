package decode

import (
	"math/rand/v2"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A linkHeader is one of gopacket's.
type linkHeader interface {
	gopacket.DecodingLayer
	LayerContents() []byte
}

// headerLength returns the length of the header h at the start of b, by gopacket 1.1.19;
// 0 if it finds none. It gets a copy, because it moves bytes within a padded radiotap
// frame, with room for the checksum that it requires. It panics on headers that claim to
// be longer than they are.
func headerLength(h linkHeader, b []byte) (n int) {
	defer func() {
		if recover() != nil {
			n = 0
		}
	}()
	c := append(append([]byte(nil), b...), 0, 0, 0, 0)
	if err := h.DecodeFromBytes(c, gopacket.NilDecodeFeedback); err != nil {
		return 0
	}
	if n = len(h.LayerContents()); n > len(b) {
		return 0
	}
	return n
}

// wifiByGopacket decodes 802.11 as the decoder does, but finds the ends of headers by
// gopacket. It reports false if gopacket finds none.
func wifiByGopacket(d *Decoder, link uint32, b []byte, seg *reassembly.Segment) (r Reason, ok bool) {
	padded := false
	switch link {
	case linkRadiotap:
		var h layers.RadioTap
		n := headerLength(&h, b)
		if n == 0 {
			return 0, false
		}
		b, padded = b[n:], h.Flags.Datapad()
	case linkPrism:
		var h layers.PrismHeader
		n := headerLength(&h, b)
		if n == 0 {
			return 0, false
		}
		b = b[n:]
	}
	var h layers.Dot11
	n := headerLength(&h, b)
	switch {
	case n == 0:
		return 0, false
	case h.Type.MainType() != layers.Dot11TypeData, h.FragmentNumber != 0, b[0]&0x40 != 0:
		return NotTCP, true
	case h.Flags.WEP():
		return Encrypted, true
	}
	control := 24 + len(h.Address4)
	if padded {
		n = min((n+3)&^3, len(b))
	}
	if h.QOS != nil && b[control+1]&1 != 0 && len(h.Address4) > 0 {
		n = min(n+meshControl(b[n:]), len(b))
	}
	if h.QOS != nil && b[control]&0x80 != 0 {
		return d.aggregated(b[n:], len(b)-n, seg), true
	}
	return d.llc(b[n:], len(b)-n, seg), true
}

// Whatever gopacket reads of 802.11, the decoder reads the same way.
func TestWifi_gopacket(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 802))
	p4 := ipv4(protoTCP, tcp(timestamps, data))
	agreed, decoded := 0, 0
	for range 100_000 {
		frame := wifi(0x08|byte(rng.IntN(16))<<4, []byte{0, 1, 2, 3, 0x80, 0x83}[rng.IntN(6)], make([]byte, 2*rng.IntN(8)), snap(typeIPv4, p4))
		link := []uint32{link80211, linkRadiotap, linkPrism}[rng.IntN(3)]
		switch link {
		case linkRadiotap:
			if rng.IntN(2) == 0 {
				frame = radiotap(byte(rng.IntN(256)), frame)
			} else { // a second word of present fields, padding, and the time before the flags
				frame = cat([]byte{0, 0, 28, 0, 3, 0, 0, 0x80, 0, 0, 0, 0}, make([]byte, 12), []byte{byte(rng.IntN(256)), 0, 0, 0}, frame)
			}
		case linkPrism:
			values := make([]byte, 12*rng.IntN(4))
			frame = cat([]byte{[]byte{0x41, 0x44}[rng.IntN(2)], 0, 0, 0, byte(24 + len(values)), 0, 0, 0}, make([]byte, 16), values, frame)
		}
		for range rng.IntN(4) { // gopacket reads fields that lie beyond the header
			frame[8+rng.IntN(min(len(frame), 60)-8)] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(4) == 0 {
			frame = frame[:rng.IntN(len(frame))]
		}
		var ours, theirs reassembly.Segment
		want, ok := wifiByGopacket(New(), link, frame, &theirs)
		if !ok {
			continue
		}
		agreed++
		got := New().Decode(link, frame, len(frame), 0, &ours)
		theirs.Link = ours.Link
		if got != want || got == OK && ours != theirs {
			t.Fatalf("link type %d, %x: %v, by gopacket %v", link, frame, got, want)
		}
		if got == OK {
			decoded++
		}
	}
	if agreed < 50_000 || decoded < 1000 {
		t.Errorf("gopacket read only %d frames, %d of them with TCP", agreed, decoded)
	}
}

// The Retry bit says that the frame is in the air again; the hash of the addresses is the same.
func TestDecode_wifiRetry(t *testing.T) {
	p := snap(typeIPv4, ipv4(protoTCP, tcp(timestamps, data)))
	d := New()
	var first, again reassembly.Segment
	for _, control := range []byte{0x08, 0x88} {
		qos := be16()
		if control == 0x88 {
			qos = be16(0)
		}
		for flags, seg := range map[byte]*reassembly.Segment{0x01: &first, 0x09: &again} {
			if frame := wifi(control, flags, qos, p); d.Decode(link80211, frame, len(frame), 0, seg) != OK {
				t.Fatalf("%#x: not decoded", flags)
			}
		}
		if first.IsRetry() || !again.IsRetry() || first.LinkAddresses() != again.LinkAddresses() || first.LinkAddresses() == 0 {
			t.Errorf("link %#x, in a retry %#x", first.Link, again.Link)
		}
	}
}
