package fsm

import (
	"encoding/binary"
	"math/bits"
)

// A packer packs numbers, of which most are small. Four share a byte that says how many bytes
// each of them takes: none if it is 0, else one, two or four.
type packer struct {
	to []byte // with packedRoom after what all take
	n  int    // bytes written
}

// maxPacked is how many bytes four numbers take at the most, packedRoom how many are written
// to: more, so that nothing needs to be checked.
const (
	maxPacked  = 1 + 4*4
	packedRoom = 32
)

// put packs four numbers.
func (p *packer) put(a, b, c, d uint32) {
	to := (*[packedRoom]byte)(p.to[p.n:])
	sa, sb, sc, sd := packedSizes[bits.Len32(a)], packedSizes[bits.Len32(b)], packedSizes[bits.Len32(c)], packedSizes[bits.Len32(d)]
	to[0] = byte(sa&3 | sb&3<<2 | sc&3<<4 | sd&3<<6)
	at := uint(1)
	binary.LittleEndian.PutUint32(to[1:], a)
	at += sa >> 2
	binary.LittleEndian.PutUint32(to[at&15:], b)
	at += sb >> 2
	binary.LittleEndian.PutUint32(to[at&15:], c)
	at += sc >> 2
	binary.LittleEndian.PutUint32(to[at&15:], d)
	p.n += int(at + sd>>2)
}

// packedSizes are, by how many bits a number has, how many bytes it takes times four, and
// which of the four sizes that is.
var packedSizes = func() (sizes [33]uint) {
	for n := range sizes {
		switch {
		case n == 0:
		case n <= 8:
			sizes[n] = 1<<2 | 1
		case n <= 16:
			sizes[n] = 2<<2 | 2
		default:
			sizes[n] = 4<<2 | 3
		}
	}
	return sizes
}()

// An unpacker reads what a packer wrote.
type unpacker struct{ from []byte }

// get reads the next four numbers.
func (u *unpacker) get() (v [4]uint32) {
	sizes := u.from[0]
	at := 1
	for i := range v {
		n := [...]int{0, 1, 2, 4}[sizes>>(2*i)&3]
		for k := range n {
			v[i] |= uint32(u.from[at+k]) << (8 * k)
		}
		at += n
	}
	u.from = u.from[at:]
	return v
}
