package fsm

import (
	"encoding/binary"
	"math/bits"
)

// A Packer is room to pack numbers, of which most are small. Four share a byte that says how
// many bytes each of them takes: none if it is 0, else one, two or four. The zero value is
// ready.
type Packer struct {
	numbers [maxNumbers]uint32
	n       int // numbers
	packed  [maxPacked]byte
}

// maxNumbers is more than there are, maxPacked more than they take: powers of two, so that an
// index need not be checked but only masked.
const (
	maxNumbers = 256
	maxPacked  = 2048
)

// put adds four numbers.
func (p *Packer) put(a, b, c, d uint32) {
	n := p.n & (maxNumbers - 4)
	p.numbers[n], p.numbers[n+1], p.numbers[n+2], p.numbers[n+3] = a, b, c, d
	p.n = n + 4
}

// pack packs the numbers, and begins anew. What it returns is valid until the next call.
func (p *Packer) pack() []byte {
	at := uint(0)
	for i := 0; i < p.n; i += 4 {
		v := (*[4]uint32)(p.numbers[i&(maxNumbers-4):])
		a, b, c, d := packedSizes[bits.Len32(v[0])&63], packedSizes[bits.Len32(v[1])&63], packedSizes[bits.Len32(v[2])&63], packedSizes[bits.Len32(v[3])&63]
		to := (*[32]byte)(p.packed[at&(maxPacked/2-1):])
		to[0] = byte(a&3 | b&3<<2 | c&3<<4 | d<<6)
		n := uint(1)
		binary.LittleEndian.PutUint32(to[1:], v[0])
		n += uint(a >> 2)
		binary.LittleEndian.PutUint32(to[n&15:], v[1])
		n += uint(b >> 2)
		binary.LittleEndian.PutUint32(to[n&15:], v[2])
		n += uint(c >> 2)
		binary.LittleEndian.PutUint32(to[n&15:], v[3])
		at += n + uint(d>>2)
	}
	p.n = 0
	return p.packed[:at]
}

// packedSizes are, by how many bits a number has, how many bytes it takes times four, and
// which of the four sizes that is.
var packedSizes = [64]uint8{
	0, 5, 5, 5, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 10, 10, 10,
	19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19,
}

// An unpacker reads what a Packer packed.
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
