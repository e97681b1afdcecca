package flow

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// addresses are a set of addresses of which very few may seem to be in it that are not (Bloom): two bits for each.
type addresses [1 << 13]uint64

func (a *addresses) add(addr [16]byte) {
	i, k := bitsOf(addr)
	a[i>>6] |= 1 << (i & 63)
	a[k>>6] |= 1 << (k & 63)
}

func (a *addresses) mayHave(addr [16]byte) bool {
	i, k := bitsOf(addr)
	return a[i>>6]>>(i&63)&1 != 0 && a[k>>6]>>(k&63)&1 != 0
}

// bitsOf are the two bits of an address: the upper bits of a product depend on all of it (Knuth, multiplicative hashing).
func bitsOf(addr [16]byte) (i, k uint64) {
	const golden = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio
	h := (binary.LittleEndian.Uint64(addr[:])*golden ^ binary.LittleEndian.Uint64(addr[8:])) * golden
	return h >> 45, h >> 26 & (1<<19 - 1)
}

// MayCompact reports whether the address may be an end of a connection that is compacted. A false alarm is
// rare up to some thousand addresses.
func (t *Table) MayCompact(addr [16]byte) bool { return t.ends != nil && t.ends.mayHave(addr) }

// CompactsWith is Compacts for those that want reports true for, of their ends by side, until more is false.
func (t *Table) CompactsWith(want func(ends *[2]reassembly.Endpoint) (wanted, more bool), each func(*Flow)) {
	var f Flow
	var of fsm.Close
	t.records(func(head uint64, b []byte) bool {
		ends, _ := t.packer.ISNs(b)
		wanted, more := want(&ends)
		if wanted {
			t.expandFlow(&f, head, b, &of)
			each(&f)
		}
		return more
	})
}
