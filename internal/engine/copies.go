package engine

import (
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// copyTime is how much later a copy of a frame may be captured: mirror ports
// and two taps on one switch stay well below.
const copyTime = 2 * time.Millisecond

// recentFrames is how many frames a partition remembers to recognise copies by.
// A partition sees one frame in 64: this is two milliseconds of six million
// frames a second.
const recentFrames = 256

// copies recognises frames that the capture holds more than once. It is a small
// cache: what falls out of it is taken as sent.
type copies struct {
	recent *[recentFrames]sighting
}

// A sighting is what is remembered of a frame.
type sighting struct {
	print uint64 // all that copies have in common
	at    int64
	link  uint32 // what copies may differ in: link-layer addresses, tunnel, TTL
	tun   uint32
	ipid  uint16
	ttl   uint8
}

// isCopy says whether the frame was captured before, and remembers it if not.
// Copies carry the same IPv4 ID. Where there is none (IPv6, ID 0), they differ
// in link-layer addresses, tags or TTL, or the connection doubles most of its
// frames; else the frame counts as sent, and that is told.
func (c *copies) isCopy(i uint32, f *flow, seg *reassembly.Segment, side reassembly.Side) bool {
	if c.recent == nil {
		c.recent = new([recentFrames]sighting)
	}
	fp := fingerprint(i, seg, side)
	s := &c.recent[fp%recentFrames]
	d := seg.At - s.at
	if s.print != fp || d > int64(copyTime) || d < -int64(copyTime) {
		*s = sighting{fp, seg.At, seg.Link, seg.Tunnel, seg.IPID, seg.TTL}
		return false
	}
	if seg.IPID != s.ipid {
		*s = sighting{fp, seg.At, seg.Link, seg.Tunnel, seg.IPID, seg.TTL}
		return false
	}
	sent := f.conn.Packets(reassembly.A) + f.conn.Packets(reassembly.B)
	f.twins++
	if seg.IPID != 0 || seg.Link != s.link || seg.Tunnel != s.tun || seg.TTL != s.ttl || 2*uint64(f.twins) > sent {
		return true
	}
	f.conn.MayBeCopied()
	return false
}

// fingerprint hashes what a copy has in common with its original.
func fingerprint(i uint32, seg *reassembly.Segment, side reassembly.Side) uint64 {
	mix := func(h, v uint64) uint64 {
		hi, lo := bits.Mul64(h^v, 0x9E3779B97F4A7C15)
		return hi ^ lo
	}
	o := &seg.Opts
	h := mix(uint64(i)<<32|uint64(side)<<31, uint64(seg.Seq)<<32|uint64(seg.Ack))
	h = mix(h, uint64(seg.Len)<<32|uint64(seg.Window)<<16|uint64(seg.Flags)<<8|uint64(o.Has&^reassembly.OptionsCut))
	h = mix(h, uint64(o.TSVal)<<32|uint64(o.TSEcr))
	for b := range o.NBlocks {
		h = mix(h, uint64(o.Blocks[b].From)<<32|uint64(o.Blocks[b].To))
	}
	return h
}
