package decode

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is decoded in one pass, the layers decode alike: whatever is in a frame, and however
// much of it was captured.
func TestPlain(t *testing.T) {
	const payload = 8
	tcp := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8 << 4, 16, 13, 14, 0, 0, 0, 0, optNop, optNop, optTimestamps, 10, 1, 1, 1, 1, 2, 2, 2, 2}
	syn := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8 << 4, 2, 13, 14, 0, 0, 0, 0, optMSS, 4, 5, 6, optNop, optScale, 3, 7, optSACKPermitted, 2, optNop, optEnd}
	length := byte(len(tcp) + payload)
	ip4 := []byte{4<<4 | 5, 0, 0, 20 + length, 1, 2, 0x40, 0, 64, protoTCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2} // without a checksum, so that what changes is looked at
	ip6 := append([]byte{6 << 4, 0, 0, 0, 0, length, protoTCP, 64, 39: 2}, tcp...)[:40]
	for _, whole := range [][]byte{
		slices.Concat(make([]byte, 12), []byte{0x08, 0x00}, ip4, tcp, make([]byte, payload)),
		slices.Concat(make([]byte, 12), []byte{0x08, 0x00}, ip4, syn, make([]byte, payload)),
		slices.Concat(make([]byte, 12), []byte{0x86, 0xdd}, ip6, tcp, make([]byte, payload)),
	} {
		r := rand.New(rand.NewPCG(1, 2))
		plain, layers := New(), New()
		layers.layers = true
		taken, inRun := 0, 0
		for range 20_000 {
			frame := slices.Clone(whole)
			for range r.IntN(3) {
				frame[12+r.IntN(len(frame)-12)] ^= 1 << r.IntN(8)
			}
			frame = frame[:len(frame)-r.IntN(len(frame))*r.IntN(2)]
			got, want := stale(), reassembly.Segment{}
			gotReason, wantReason := plain.Decode(linkEthernet, frame, len(whole), 1, &got), layers.Decode(linkEthernet, frame, len(whole), 1, &want)
			got.At, got.Frame, got.File = 0, 0, 0 // the caller's
			if gotReason != wantReason || wantReason == OK && got != want {
				t.Fatalf("% x:\n got %v %+v\nwant %v %+v", frame, gotReason, got, wantReason, want)
			}
			if len(frame) > ethernetHeader && plainPacket(binary.BigEndian.Uint16(frame[12:]), frame[ethernetHeader:], len(whole)-ethernetHeader, &got) {
				taken++
			}
			run := make([]reassembly.Segment, 2)
			run[0], run[1] = stale(), stale()
			block := slices.Concat(record(1_700_000_000, 5, frame, len(whole)), record(1_600_000_000, 5, frame, len(whole)), make([]byte, recordHead))
			records := packet.Records{Block: block, Second: 1e6, Unit: 1e3, Num: 7}
			n, off, last := plain.Run(&records, run)
			if n == 0 {
				continue
			}
			inRun++
			want.At, want.Frame = 1_700_000_000_000_005_000, 8
			if n > 1 || off != recordHeader+len(frame) || last != want.At || wantReason != OK || run[0] != want {
				t.Fatalf("% x: a run of %d, to %d:\n got %+v\nwant %v %+v", frame, n, off, run[0], wantReason, want)
			}
		}
		if taken < 8_000 || inRun < 8_000 {
			t.Errorf("%d frames were plain, %d in a run", taken, inRun)
		}
	}
}

// record is a frame in a pcap file.
func record(sec, frac uint32, frame []byte, wire int) []byte {
	b := make([]byte, 0, recordHeader+len(frame))
	for _, n := range []uint32{sec, frac, uint32(len(frame)), uint32(wire)} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return append(b, frame...)
}
