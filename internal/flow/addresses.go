package flow

import (
	"encoding/binary"
	"math/bits"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Addresses are a set of addresses of which a few may seem to be in it that are not (Bloom): two bits for each.
type Addresses [1 << 9]uint64

// Add adds one.
func (a *Addresses) Add(addr [16]byte) {
	i, k := bitsOf(addr)
	a[i>>6] |= 1 << (i & 63)
	a[k>>6] |= 1 << (k & 63)
}

// MayHave reports whether the address may be in the set.
func (a *Addresses) MayHave(addr [16]byte) bool {
	i, k := bitsOf(addr)
	return a[i>>6]>>(i&63)&1 != 0 && a[k>>6]>>(k&63)&1 != 0
}

// AtLeast is how many addresses the set has at least.
func (a *Addresses) AtLeast() (n int) {
	for _, word := range a {
		n += bits.OnesCount64(word)
	}
	return (n + 1) / 2
}

// bitsOf are the two bits of an address: the upper bits of a product depend on all of it (Knuth, multiplicative hashing).
func bitsOf(addr [16]byte) (i, k uint64) {
	const golden = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio
	h := (binary.BigEndian.Uint64(addr[:])*golden ^ binary.BigEndian.Uint64(addr[8:])) * golden
	return h >> 49, h >> 34 & (1<<15 - 1)
}

// Numbers are a set of sequence numbers of which a few may seem to be in it that are not.
type Numbers [1 << 10]uint64

// Add adds one.
func (n *Numbers) Add(seq reassembly.Seq) {
	i := bitOf(seq)
	n[i>>6] |= 1 << (i & 63)
}

func (n *Numbers) mayHave(seq reassembly.Seq) bool {
	i := bitOf(seq)
	return n[i>>6]>>(i&63)&1 != 0
}

// bitOf is the bit of a sequence number: initial ones may count up in steps of 64,000 (RFC 793 3.3, 4.2BSD).
func bitOf(seq reassembly.Seq) uint32 { return uint32(seq) * 0x9e3779b1 >> 16 }

// CompactAddresses adds the ends of all connections that were ever compacted.
func (t *Table) CompactAddresses(all *Addresses) {
	if t.ends != nil {
		for i, word := range t.ends {
			all[i] |= word
		}
	}
}

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

// CompactsOfPorts is Compacts for those of which one end or both have such a port.
func (t *Table) CompactsOfPorts(such func(port uint16) bool, each func(*Flow)) {
	var f Flow
	var of fsm.Close
	t.records(func(head uint64, b []byte) bool {
		if lo, hi := t.packer.Ports(b); such(lo) || such(hi) {
			t.expandFlow(&f, head, b, &of)
			each(&f)
		}
		return true
	})
}
