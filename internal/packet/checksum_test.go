package packet

import "testing"

// TestChecksum compares with a computation word by word, as in RFC 1071 4.1.
func TestChecksum(t *testing.T) {
	b := make([]byte, 100)
	for i := range b {
		b[i] = byte(0xff - i*i)
	}
	for n := range b {
		want := uint32(protoTCP + n)
		for i, c := range b[:n] {
			want += uint32(c) << (8 * (1 - i%2))
			want = want&0xffff + want>>16
		}
		if got := ^checksum(b[:n], uint64(protoTCP+n)); got != uint16(want) && got%0xffff != uint16(want)%0xffff {
			t.Errorf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
}
