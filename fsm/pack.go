package fsm

import (
	"encoding/binary"
	"math/bits"
)

// A Packer packs records of the same numbers, in groups of four: as how they differ from those
// of the first of their kind, since connections of one trace are alike. Groups that do not differ
// take nothing. In others, a byte says how many bytes each number takes: none if it does not
// differ, else one, two or four. The zero value is ready.
type Packer struct {
	typical [packedKinds]*numbers // the first record of each kind
	like    *numbers              // of these, that of the record at hand
	numbers numbers               // of a record that is packed, or was unpacked
	n       uint32                // of these, groups put, or read
	packed  [maxPacked + 4]byte
}

type numbers [packedGroups][4]uint32

// packedGroups is how many groups there are, as many as a mask has bits, and packedHead what a
// record takes without any, kind and mask. maxPacked is more than all take: a power of two, so
// that an index need not be checked but only masked.
const (
	packedKinds  = 16
	packedGroups = 32
	packedHead   = 1 + 4
	maxPacked    = 1024
)

// begin begins a record of that kind.
func (p *Packer) begin(kind uint8) {
	p.n, p.packed[0], p.like = 0, kind, p.typical[kind]
	if p.like == nil {
		p.like = &p.numbers // then it is like itself
	}
}

// put adds four numbers.
func (p *Packer) put(a, b, c, d uint32) {
	p.numbers[p.n%packedGroups] = [4]uint32{a, b, c, d}
	p.n++
}

// skip adds four numbers that do not matter.
func (p *Packer) skip() {
	p.numbers[p.n] = p.like[p.n]
	p.n++
}

// pack packs the record: its kind, a mask of the groups, and those of them that differ. It is
// valid until the next call.
func (p *Packer) pack() []byte {
	if kind := &p.typical[p.packed[0]]; *kind == nil {
		*kind = new(numbers)
		**kind = p.numbers
	}
	at, mask := uint(packedHead), uint32(0)
	for i := range p.n {
		v, t := &p.numbers[i%packedGroups], &p.like[i%packedGroups]
		if *v == *t {
			continue
		}
		mask |= 1 << i
		n, a := p.packNumber(at+1, v[0]^t[0])
		n, b := p.packNumber(n, v[1]^t[1])
		n, c := p.packNumber(n, v[2]^t[2])
		n, d := p.packNumber(n, v[3]^t[3])
		p.packed[at%maxPacked] = a | b<<2 | c<<4 | d<<6
		at = n
	}
	binary.LittleEndian.PutUint32(p.packed[1:], mask)
	return p.packed[:at]
}

// packNumber packs a number at that place, and returns the next, and which size it has.
func (p *Packer) packNumber(at uint, x uint32) (next uint, size uint8) {
	n := packedSizes[bits.Len32(x)&63]
	binary.LittleEndian.PutUint32(p.packed[at%maxPacked:], x)
	return at + uint(n>>2), n & 3
}

// packedSizes are, by how many bits a number has, how many bytes it takes times four, and
// which of the four sizes that is.
var packedSizes = [64]uint8{
	0, 5, 5, 5, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 10, 10, 10,
	19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19,
}

// unpack readies a record that was packed to be read with get, so many groups of it.
func (p *Packer) unpack(from []byte, groups int) {
	copy(p.numbers[:groups], p.typical[from[0]][:])
	mask := binary.LittleEndian.Uint32(from[1:])
	from = from[packedHead:]
	for i := range groups {
		if mask>>i&1 == 0 {
			continue
		}
		sizes := from[0]
		from = from[1:]
		for k := range 4 {
			size := [...]int{0, 1, 2, 4}[sizes>>(2*k)&3]
			for j, b := range from[:size] {
				p.numbers[i][k] ^= uint32(b) << (8 * j)
			}
			from = from[size:]
		}
	}
	p.n = 0
}

// get reads the next four numbers.
func (p *Packer) get() [4]uint32 {
	p.n++
	return p.numbers[p.n-1]
}
