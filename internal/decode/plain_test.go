package decode

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What plainIPv4 decodes, the layers decode alike: whatever is in a frame, and however much
// of it was captured.
func TestPlainIPv4(t *testing.T) {
	const headers = ethernetHeader + 20 + tcpHeader
	whole := make([]byte, headers+12+8)
	binary.BigEndian.PutUint16(whole[12:], typeIPv4)
	copy(whole[ethernetHeader:], []byte{0x45, 0, 0, byte(len(whole) - ethernetHeader), 1, 2, 0x40, 0, 64, protoTCP, 9, 9, 10, 0, 0, 1, 10, 0, 0, 2})
	copy(whole[ethernetHeader+20:], []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8 << 4, 16, 13, 14, 0, 0, 0, 0})
	binary.BigEndian.PutUint32(whole[headers:], timestampsOnly)
	r := rand.New(rand.NewPCG(1, 2))
	plain, layers := New(), New()
	layers.layers = true
	taken := 0
	for range 20_000 {
		frame := append([]byte(nil), whole...)
		for range r.IntN(3) {
			frame[12+r.IntN(len(frame)-12)] ^= 1 << r.IntN(8)
		}
		frame = frame[:len(frame)-r.IntN(len(frame))*r.IntN(2)]
		got, want := reassembly.Segment{Len: 1, Opts: reassembly.Options{NBlocks: 3}}, reassembly.Segment{}
		gotReason, wantReason := plain.Decode(linkEthernet, frame, len(whole), 1, &got), layers.Decode(linkEthernet, frame, len(whole), 1, &want)
		if gotReason != wantReason || wantReason == OK && got != want {
			t.Fatalf("% x:\n got %v %+v\nwant %v %+v", frame, gotReason, got, wantReason, want)
		}
		if len(frame) > ethernetHeader && plainIPv4(frame[ethernetHeader:], &got) {
			taken++
		}
	}
	if taken < 5_000 {
		t.Errorf("%d frames were plain", taken)
	}
}
