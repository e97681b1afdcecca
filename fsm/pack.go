package fsm

import (
	"encoding/binary"
	"math/bits"
)

// A Packer packs records of the same numbers, in groups of four: as how they differ from those
// of the first of their kind that has them, since connections of one trace are alike. Groups that do not differ
// take nothing. In others, a byte says how many bytes each number takes: none if it does not
// differ, else one, two or four. The zero value is ready.
type Packer struct {
	kinds  [packedKinds]*packedKind
	kind   *packedKind // of the record at hand
	n      uint32      // groups put, or read
	mask   uint32      // of these, those that differ
	at     uint        // where the next of them begins
	packed [maxPacked + 4]byte
	groups [packedGroups][4]uint32 // of a record that was unpacked
}

// A packedKind is what the records of one kind mostly are.
type packedKind struct {
	groups [packedGroups][4]uint32
	known  uint32 // which of them
}

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
	if p.packed[0], p.kind = kind, p.kinds[kind]; p.kind == nil {
		p.kind = new(packedKind)
		p.kinds[kind] = p.kind
	}
	p.n, p.mask, p.at = 0, 0, packedHead
}

// put packs four numbers.
func (p *Packer) put(a, b, c, d uint32) {
	like, bit := &p.kind.groups[p.n%packedGroups], uint32(1)<<(p.n%packedGroups)
	if p.kind.known&bit == 0 {
		p.kind.known |= bit
		*like = [4]uint32{a, b, c, d}
	}
	if a, b, c, d = a^like[0], b^like[1], c^like[2], d^like[3]; a|b|c|d != 0 {
		p.mask |= bit
		n, sizeA := p.packNumber(p.at+1, a)
		n, sizeB := p.packNumber(n, b)
		n, sizeC := p.packNumber(n, c)
		n, sizeD := p.packNumber(n, d)
		p.packed[p.at%maxPacked] = sizeA | sizeB<<2 | sizeC<<4 | sizeD<<6
		p.at = n
	}
	p.n++
}

// skip stands for groups that do not matter.
func (p *Packer) skip(groups uint32) { p.n += groups }

// pack returns the record: its kind, a mask of the groups, and those of them that differ. It is
// valid until the next one begins.
func (p *Packer) pack() []byte {
	binary.LittleEndian.PutUint32(p.packed[1:], p.mask)
	return p.packed[:p.at]
}

// packNumber packs a number at that place, and returns the next, and which size it has.
func (p *Packer) packNumber(at uint, x uint32) (next uint, size uint8) {
	size = packedSizes[bits.Len32(x)&63]
	binary.LittleEndian.PutUint32(p.packed[at%maxPacked:], x)
	return at + packedBytes[size&3], size
}

// packedSizes are, by how many bits a number has, which of the four sizes it has.
var packedSizes = [64]uint8{
	0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
}

// packedBytes are how many bytes a number of each of the four sizes takes.
var packedBytes = [4]uint{0, 1, 2, 4}

// unpack readies a record that was packed to be read with get, so many groups of it, and returns what follows these.
func (p *Packer) unpack(from []byte, groups int) []byte {
	kind, mask := p.kinds[from[0]], binary.LittleEndian.Uint32(from[1:])
	from = from[packedHead:]
	for i := range p.groups[:groups] {
		g := &p.groups[i]
		if *g = kind.groups[i]; mask>>i&1 == 0 {
			continue
		}
		sizes, by := from[0], [4]uint32{}
		by[0], from = packedNumber(from[1:], sizes)
		by[1], from = packedNumber(from, sizes>>2)
		by[2], from = packedNumber(from, sizes>>4)
		by[3], from = packedNumber(from, sizes>>6)
		g[0], g[1], g[2], g[3] = g[0]^by[0], g[1]^by[1], g[2]^by[2], g[3]^by[3]
	}
	p.n = 0
	return from
}

// third is the third number of the second group of a record that was packed.
func (p *Packer) third(from []byte) uint32 {
	x, mask := p.kinds[from[0]].groups[1][2], from[1]
	if mask&2 == 0 {
		return x
	}
	at := packedHead
	if mask&1 != 0 {
		at += 1 + packedLength(from[at])
	}
	sizes := from[at]
	by, _ := packedNumber(from[at+1+packedLength(sizes&15):], sizes>>4)
	return x ^ by
}

// packedLength is how many bytes numbers of these sizes take.
func packedLength(sizes uint8) int {
	return bits.OnesCount8(sizes&0x55) + 2*bits.OnesCount8(sizes&0xaa) + bits.OnesCount8(sizes&(sizes>>1)&0x55)
}

// packedNumber is a number that bytes begin with, by the two lowest bits of size, and what comes then.
func packedNumber(b []byte, size uint8) (x uint32, rest []byte) {
	bits := packedBits[size&3]
	n := bits / 8
	if len(b) >= 4 {
		return binary.LittleEndian.Uint32(b) & uint32(1<<bits-1), b[n:]
	}
	for i := range b[:n] { // the last of the record
		x |= uint32(b[i]) << (8 * i)
	}
	return x, b[n:]
}

// packedBits are how many bits a number of each of the four sizes has.
var packedBits = [4]uint64{0, 8, 16, 32}

// first is the first number of a record that was packed.
func (p *Packer) first(from []byte) uint32 {
	x := p.kinds[from[0]].groups[0][0]
	if from[1]&1 != 0 {
		by, _ := packedNumber(from[packedHead+1:], from[packedHead])
		x ^= by
	}
	return x
}

// get reads the next four numbers.
func (p *Packer) get() [4]uint32 {
	p.n++
	return p.groups[p.n-1]
}
