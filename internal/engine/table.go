package engine

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A seed is the secret of a hash.
type seed [2]uint64

// fold mixes one endpoint into 64 bits.
func (s *seed) fold(e *reassembly.Endpoint) uint64 {
	a := binary.LittleEndian.Uint64(e.Addr[:8]) ^ uint64(e.Port)*0xA0761D6478BD642F ^ s[0]
	b := binary.LittleEndian.Uint64(e.Addr[8:]) ^ s[1]
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hash mixes a segment's four-tuple, the same in both directions.
func (s *seed) hash(seg *reassembly.Segment) uint64 {
	return (s.fold(&seg.Src) + s.fold(&seg.Dst)) * 0x9E3779B97F4A7C15
}

// key is the hash of a segment's key in a table with this seed, never 0.
func (s *seed) key(seg *reassembly.Segment) uint32 { return uint32(s.hash(seg)>>32) | 1 }

func newSeed() seed { return seed{rand.Uint64(), rand.Uint64()} }

// A flow is one connection in memory: no pointers, so that the garbage
// collector has nothing to chase.
type flow struct {
	conn    fsm.Conn
	ordinal uint64 // of its first segment among all of the trace
	watch   uint32 // index of its watches plus one; 0 = none
	twins   uint32 // frames that came twice, alike in all but what tells copies
	hash    uint32
	live    bool // this slot is in use
	shared  bool // another connection has, or had, the same four-tuple
	fresh   bool // heard of since the clock hand last passed
	closed  bool // in the queue of closed connections
}

// chunkSize is how many flows are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// table finds the connections of one partition. Slots hold index plus one and
// half of the hash; several connections of one four-tuple lie on one probe
// sequence. The hash is seeded: nobody can choose addresses that collide.
type table struct {
	seed   seed
	slots  []slot
	chunks []*[chunkSize]flow
	unused []uint32 // indices of freed flows
	made   uint32   // flows ever allocated
	count  int
}

type slot struct{ tag, index uint32 }

func (t *table) flow(i uint32) *flow { return &t.chunks[i>>chunkBits][i&(chunkSize-1)] }

// hashOf is the seeded hash of the segment's key.
func (t *table) hashOf(seg *reassembly.Segment) uint32 { return t.seed.key(seg) }

// find looks for a connection of the key from probe position p on, and returns
// its index and the position behind it. Begin with p = hash.
func (t *table) find(k *reassembly.Key, hash, p uint32) (i, next uint32, ok bool) {
	if t.count == 0 {
		return 0, 0, false
	}
	mask := uint32(len(t.slots) - 1)
	for ; ; p++ {
		switch s := t.slots[p&mask]; {
		case s.index == 0:
			return 0, 0, false
		case s.tag == hash && t.flow(s.index-1).conn.HasKey(k):
			return s.index - 1, p + 1, true
		}
	}
}

// guess is the index plus one of the connection that a key of this hash most
// likely belongs to, 0 if there is none.
func (t *table) guess(hash uint32) uint32 {
	if t.count == 0 {
		return 0
	}
	mask := uint32(len(t.slots) - 1)
	for p := hash; ; p++ {
		if s := &t.slots[p&mask]; s.tag == hash || s.index == 0 {
			return s.index
		}
	}
}

// guessed is the connection of a guess, if the segment has its four-tuple and no
// other connection has, nil otherwise; and whether the Lo end sent the segment.
// Since the guess the connection may have left, and another may have its place.
func (t *table) guessed(guess uint32, seg *reassembly.Segment) (f *flow, fromLo bool) {
	if guess == 0 {
		return nil, false
	}
	f = t.flow(guess - 1)
	fromLo, is := f.conn.Sends(seg)
	if !is || !f.live || f.shared {
		return nil, false
	}
	return f, fromLo
}

// add makes room for a new connection.
func (t *table) add(hash uint32) (uint32, *flow) {
	if t.slots == nil {
		t.slots = make([]slot, 16)
	}
	if (t.count+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	var i uint32
	if n := len(t.unused); n > 0 {
		i, t.unused = t.unused[n-1], t.unused[:n-1]
	} else {
		if i = t.made; i>>chunkBits == uint32(len(t.chunks)) {
			t.chunks = append(t.chunks, new([chunkSize]flow))
		}
		t.made++
	}
	t.put(slot{hash, i + 1})
	t.count++
	f := t.flow(i)
	*f = flow{hash: hash, live: true, fresh: true}
	return i, f
}

func (t *table) put(s slot) {
	mask := uint32(len(t.slots) - 1)
	p := s.tag & mask
	for t.slots[p].index != 0 {
		p = (p + 1) & mask
	}
	t.slots[p] = s
}

// remove frees a connection's place and moves up what was probed past it, so
// that there are no tombs to fill the table.
func (t *table) remove(i uint32) {
	f := t.flow(i)
	mask := uint32(len(t.slots) - 1)
	p := f.hash & mask
	for t.slots[p].index != i+1 {
		p = (p + 1) & mask
	}
	for q := (p + 1) & mask; t.slots[q].index != 0; q = (q + 1) & mask {
		if home := t.slots[q].tag & mask; (q-home)&mask >= (q-p)&mask {
			t.slots[p], p = t.slots[q], q
		}
	}
	t.slots[p] = slot{}
	f.live = false
	t.unused = append(t.unused, i)
	t.count--
}

// grow doubles the slots.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.index != 0 {
			t.put(s)
		}
	}
}
