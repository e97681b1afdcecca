package flow

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Seed is the secret of a hash.
type Seed [2]uint64

// NewSeed draws a seed.
func NewSeed() Seed { return Seed{rand.Uint64(), rand.Uint64()} }

// Hash is the hash of a segment's four-tuple in a table with this seed, the same in
// both directions.
func (s *Seed) Hash(seg *reassembly.Segment) uint32 { return s.hashOf(&seg.Src, &seg.Dst) }

// Hashes are what a segment is found by.
type Hashes struct {
	Print uint64 // of what a duplicate has in common with its original: what falls out of a cache of these must not depend on a seed
	Hash  uint32 // see Seed.Hash
	Tuple uint32 // the upper half of Tuple
}

// Hashes are those of segments, in hs. Inlined, it would load its caller's registers anew for each segment.
//
//go:noinline
func (s *Seed) Hashes(segs []reassembly.Segment, hs []Hashes) {
	seed := *s
	hs = hs[:len(segs)]
	for i := range segs {
		seg := &segs[i]
		src, dst, o := wordsOf(&seg.Src), wordsOf(&seg.Dst), &seg.Opts
		tuple := fixed.tuple(src, dst)
		// Two products that need not wait for each other. Without timestamps, these are 0. Fields are in the order in which
		// they lie, so that the compiler loads several at once.
		p := mix(uint64(seg.Seq)|uint64(seg.Ack)<<32, tuple^uint64(seg.Len)<<32^uint64(seg.Src.Port)<<16^uint64(seg.Dst.Port)) ^
			mix(src.lo^(uint64(seg.Window)|uint64(seg.IPID)<<16)^uint64(seg.Flags)<<32^uint64(o.Has&^reassembly.OptionsCut)<<40, uint64(o.TSVal)|uint64(o.TSEcr)<<32)
		if o.NBlocks > 0 {
			p = mixBlocks(p, o)
		}
		h := &hs[i]
		h.Print, h.Hash, h.Tuple = p, uint32(seed.tuple(src, dst)>>32), uint32(tuple>>32)
	}
}

// mixBlocks mixes SACK blocks into a hash.
func mixBlocks(p uint64, o *reassembly.Options) uint64 {
	for b := range o.NBlocks {
		p = mix(p, uint64(o.Blocks[b&3].From)<<32|uint64(o.Blocks[b&3].To))
	}
	return p
}

// hashOf is Hash of the segments between two ends.
func (s *Seed) hashOf(e, f *reassembly.Endpoint) uint32 {
	return uint32(s.tuple(wordsOf(e), wordsOf(f)) >> 32)
}

// words are an endpoint as two numbers.
type words struct{ hi, lo uint64 }

func wordsOf(e *reassembly.Endpoint) words {
	return words{binary.LittleEndian.Uint64(e.Addr[:8]) ^ uint64(e.Port)*0xA0761D6478BD642F, binary.LittleEndian.Uint64(e.Addr[8:])}
}

func (s *Seed) tuple(e, f words) uint64 { return (s.fold(e) + s.fold(f)) * 0x9E3779B97F4A7C15 }

// fold mixes one endpoint into 64 bits.
func (s *Seed) fold(e words) uint64 {
	hi, lo := bits.Mul64(e.hi^s[0], e.lo^s[1])
	return hi ^ lo
}

// fixed is the seed of Tuple.
var fixed = Seed{0x8EBC6AF09C88C6E3, 0xE7037ED1A0B428DB}

// Tuple is the hash of a segment's four-tuple by which connections are distributed:
// the same in both directions, in every run, on every machine. docs/shards.md
// defines it.
func Tuple(seg *reassembly.Segment) uint64 {
	return fixed.tuple(wordsOf(&seg.Src), wordsOf(&seg.Dst))
}

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0xA0761D6478BD642F, v^0x9E3779B97F4A7C15)
	return hi ^ lo
}
