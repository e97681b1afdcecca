package engine

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// copyTime is fsm.CopyTime in microseconds.
const copyTime = uint32(fsm.CopyTime / time.Microsecond)

// crowds is how many sets of frames a partition remembers at first to recognise
// copies by, and mostCrowds at the most: with one connection in 64, that is two
// milliseconds of eight million frames a second, and of 250 million.
const (
	crowds     = 64
	mostCrowds = crowds << 5
)

// copies recognises frames that the capture holds more than once. It is a small
// cache, which grows where it has found copies and a frame falls out that is not
// copyTime old yet. What falls out of it is taken as sent.
type copies struct {
	recent []crowd
	found  bool
}

// A crowd is the last frames whose fingerprints have the same place, the latest
// first. It fits a cache line.
type crowd [4]sighting

// A sighting is what is remembered of a frame, in 16 bytes.
type sighting struct {
	print uint32 // of all that copies have in common
	at    uint32 // microseconds modulo 2^32
	where uint32 // link-layer addresses and tunnel, mixed: copies may differ in these
	ipid  uint16
	ttl   uint8 // and in this
	more  uint8 // more of the print, which says where the frame belongs once there are more crowds; never 0
}

// isCopy says whether the frame was captured before, and remembers it if not.
// Copies carry the same IPv4 ID. Where there is none (IPv6, ID 0), they differ
// in link-layer addresses, tags or TTL, or the connection doubles most of its
// frames; else the frame counts as sent, and that is told.
func (c *copies) isCopy(f *flow, seg *reassembly.Segment, print uint64) bool {
	here, seen := c.place(print), sight(seg, print)
	s := here.find(&seen)
	if s == nil {
		if c.found && len(c.recent) < mostCrowds && here[len(here)-1].recent(&seen) {
			c.grow()
			here = c.place(print)
		}
		here.add(seen)
		return false
	}
	sent := f.conn.Packets(reassembly.A) + f.conn.Packets(reassembly.B)
	f.twins++
	if seen.ipid != 0 || seen.where != s.where || seen.ttl != s.ttl || 2*uint64(f.twins) > sent {
		c.found = true
		return true
	}
	f.conn.MayBeCopied()
	return false
}

// remembers reports whether a frame like this one was captured just before.
func (c *copies) remembers(seg *reassembly.Segment, print uint64) bool {
	seen := sight(seg, print)
	return c.place(print).find(&seen) != nil
}

func sight(seg *reassembly.Segment, print uint64) sighting {
	return sighting{uint32(print >> 32), uint32(seg.At / int64(time.Microsecond)), seg.Link ^ bits.RotateLeft32(seg.Tunnel, 16), seg.IPID, seg.TTL, 1 | uint8(print/crowds)<<1}
}

// find returns the sighting that the frame may be a copy of, nil if there is none.
func (c *crowd) find(seen *sighting) *sighting {
	for i := range c {
		if c[i].resembles(seen) {
			return &c[i]
		}
	}
	return nil
}

// add puts a sighting first, and forgets the last. It costs less than copy, which
// calls memmove.
func (c *crowd) add(s sighting) {
	c[3] = c[2]
	c[2] = c[1]
	c[1] = c[0]
	c[0] = s
}

// resembles reports whether one of two frames may be a copy of the other.
func (s *sighting) resembles(o *sighting) bool {
	return s.print == o.print && s.ipid == o.ipid && s.recent(o)
}

// recent reports whether the two frames were captured within copyTime.
func (s *sighting) recent(o *sighting) bool {
	return s.more != 0 && o.at-s.at+copyTime <= 2*copyTime
}

// place is where frames of this fingerprint are remembered.
func (c *copies) place(print uint64) *crowd {
	if c.recent == nil {
		c.recent = make([]crowd, crowds)
	}
	return &c.recent[print&uint64(len(c.recent)-1)]
}

// grow makes two crowds of each.
func (c *copies) grow() {
	n := len(c.recent)
	bit := uint8(n/crowds) << 1
	all := make([]crowd, 2*n)
	for i := range c.recent {
		var next [2]int
		for _, s := range c.recent[i] {
			half := 0
			if s.more&bit != 0 {
				half = 1
			}
			all[i+half*n][next[half]] = s
			next[half]++
		}
	}
	c.recent = all
}

// fingerprint hashes what a copy has in common with its original, given the
// fixed hash of its four-tuple: what falls out of the cache must not depend on
// a seed.
func fingerprint(tuple uint64, seg *reassembly.Segment) uint64 {
	o := &seg.Opts
	h := mix(uint64(seg.Seq)<<32|uint64(seg.Ack), tuple^uint64(seg.IPID)<<32^uint64(seg.Src.Port)<<16^uint64(seg.Dst.Port))
	h = mix(h^binary.LittleEndian.Uint64(seg.Src.Addr[8:]),
		uint64(seg.Len)<<32|uint64(seg.Window)<<16|uint64(seg.Flags)<<8|uint64(o.Has&^reassembly.OptionsCut))
	if o.Has&reassembly.HasTimestamps != 0 {
		h = mix(h, uint64(o.TSVal)<<32|uint64(o.TSEcr))
	}
	for b := range o.NBlocks {
		h = mix(h, uint64(o.Blocks[b].From)<<32|uint64(o.Blocks[b].To))
	}
	return h
}

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0xA0761D6478BD642F, v^0x9E3779B97F4A7C15)
	return hi ^ lo
}
