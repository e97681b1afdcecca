package packed

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// MaxChunk is the maximum size of a chunk in bytes. A chunk is read and checked as
// a whole.
const MaxChunk = 64 << 10

// maxRecord bounds the size of a record. The first of an IPv6 connection, with all
// options, has 170 bytes, a quote less.
const maxRecord = 256

// The fields of a record besides its connection, position and time. A record has
// those that differ from what is expected. The frequent ones are in the first byte
// of the mask.
const (
	inNanoseconds = 1 << iota // the time is not a whole microsecond after the last
	hasSeq
	hasAck
	hasLen
	hasWindow
	hasFlags
	hasFrame
	hasIPID
	hasPath // TTL, tunnel and link-layer addresses
	hasOptions
	hasBlocks
	hasFile
	hasICMP     // a quote: the ICMP error and who reported it
	hasMissing  // what the text that the trace was read from does not say
	hasTap      // another capture point than the last segment of this file
	knownFields = 1<<iota - 1
)

// An Encoder packs segments into a chunk. The zero value is ready.
type Encoder struct {
	state
	buf   []byte
	count int
	pairs []pair
	slots []uint16 // hash table of pairs, index plus one
	seed  [2]uint64
}

// Len is the size of the chunk so far, in bytes.
func (e *Encoder) Len() int { return len(e.buf) }

// Count is the number of segments in the chunk.
func (e *Encoder) Count() int { return e.count }

// Full reports whether the chunk may have no room for another segment.
func (e *Encoder) Full() bool { return len(e.buf) > MaxChunk-maxRecord }

// Chunk returns the chunk. It is valid until the next Append or Reset.
func (e *Encoder) Chunk() []byte { return e.buf }

// Reset begins another chunk.
func (e *Encoder) Reset() {
	e.state.reset()
	e.buf, e.count, e.pairs = e.buf[:0], 0, e.pairs[:0]
	clear(e.slots)
}

// Append adds a segment. Its position in the trace must be higher than that of the
// previous one, and the chunk must not be Full.
func (e *Encoder) Append(position uint64, seg *reassembly.Segment) {
	b := e.buf
	index, dir := e.find(seg)
	if index < 0 {
		index, dir = e.add(seg), 0
		b = appendEnds(append(b, 0), seg)
	} else {
		b = binary.AppendUvarint(b, uint64(index<<1|dir)+1)
	}
	step := position - e.position
	b = binary.AppendUvarint(b, step)
	mask := uint64(0)
	if seg.File != e.file {
		mask |= hasFile
		e.change(seg.File)
	}
	frame := int64(seg.Frame) - int64(e.frame) - int64(step)
	if frame != 0 {
		mask |= hasFrame
	}
	if seg.Tap != e.tap {
		mask |= hasTap
	}
	l := e.pairs[index].direction(dir)
	mask |= l.differences(seg)
	since := seg.At - e.at
	if since%1000 != 0 {
		mask |= inNanoseconds
	} else {
		since /= 1000
	}
	b = binary.AppendUvarint(b, mask)
	b = binary.AppendVarint(b, since)
	if mask&hasFile != 0 {
		b = binary.AppendUvarint(b, uint64(seg.File))
	}
	if mask&hasFrame != 0 {
		b = binary.AppendVarint(b, frame)
	}
	e.buf = l.append(b, mask, seg)
	e.position, e.at, e.frame, e.tap = position, seg.At, seg.Frame, seg.Tap
	e.count++
	if !seg.IsQuote() {
		l.update(seg)
	}
}

// differences are the fields that are not as expected.
func (l *direction) differences(seg *reassembly.Segment) (mask uint64) {
	if seg.Seq != l.next {
		mask |= hasSeq
	}
	if seg.Ack != l.ack {
		mask |= hasAck
	}
	if seg.Len != l.length {
		mask |= hasLen
	}
	if seg.Window != l.window {
		mask |= hasWindow
	}
	if seg.Flags != l.flags {
		mask |= hasFlags
	}
	if seg.IPID != l.expectIPID() {
		mask |= hasIPID
	}
	if seg.TTL != l.ttl || seg.Tunnel != l.tunnel || seg.Link != l.link {
		mask |= hasPath
	}
	if seg.Opts.Has != l.options {
		mask |= hasOptions
	}
	if seg.Opts.NBlocks != 0 {
		mask |= hasBlocks
	}
	if seg.IsQuote() {
		mask |= hasICMP
	}
	if seg.Missing != 0 {
		mask |= hasMissing
	}
	return mask
}

// append writes these fields, and the values of the options.
func (l *direction) append(b []byte, mask uint64, seg *reassembly.Segment) []byte {
	if mask&hasFlags != 0 {
		b = append(b, byte(seg.Flags))
	}
	if mask&hasLen != 0 {
		b = binary.AppendUvarint(b, uint64(seg.Len))
	}
	if mask&hasSeq != 0 {
		b = appendStep(b, uint32(seg.Seq), uint32(l.next))
	}
	if mask&hasAck != 0 {
		b = appendStep(b, uint32(seg.Ack), uint32(l.ack))
	}
	if mask&hasWindow != 0 {
		b = binary.AppendVarint(b, int64(int16(seg.Window-l.window)))
	}
	if mask&hasIPID != 0 {
		b = binary.AppendVarint(b, int64(int16(seg.IPID-l.expectIPID())))
	}
	if mask&hasPath != 0 {
		b = append(b, seg.TTL)
		b = binary.LittleEndian.AppendUint32(b, seg.Tunnel)
		b = binary.LittleEndian.AppendUint32(b, seg.Link)
	}
	o := &seg.Opts
	if mask&hasOptions != 0 {
		b = append(b, byte(o.Has))
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		b = appendStep(b, o.TSVal, l.tsVal)
		b = appendStep(b, o.TSEcr, l.tsEcr)
	}
	if o.Has&reassembly.HasMSS != 0 {
		b = binary.AppendUvarint(b, uint64(o.MSS))
	}
	if o.Has&reassembly.HasScale != 0 {
		b = append(b, o.Scale)
	}
	if mask&hasBlocks != 0 {
		b = append(b, o.NBlocks)
		for _, k := range o.Blocks[:o.NBlocks] {
			b = appendStep(b, uint32(k.From), uint32(seg.Ack))
			b = appendStep(b, uint32(k.To), uint32(k.From))
		}
	}
	if mask&hasICMP != 0 {
		reporter := seg.Reporter()
		b = binary.BigEndian.AppendUint16(append(b, seg.ICMP.Type, seg.ICMP.Code), seg.MTU())
		b = append(b, reporter[:]...)
	}
	if mask&hasMissing != 0 {
		b = append(b, byte(seg.Missing))
	}
	if mask&hasTap != 0 {
		b = append(b, seg.Tap)
	}
	return b
}

// appendStep writes a 32-bit number as the signed difference from another.
func appendStep(b []byte, to, from uint32) []byte {
	return binary.AppendVarint(b, int64(int32(to-from)))
}

// appendEnds writes source and destination.
func appendEnds(b []byte, seg *reassembly.Segment) []byte {
	src, dst := seg.Src.Addr[:], seg.Dst.Addr[:]
	family := byte(6)
	if mapped(src) && mapped(dst) {
		src, dst, family = src[12:], dst[12:], 4
	}
	b = append(append(append(b, family), src...), dst...)
	b = binary.BigEndian.AppendUint16(b, seg.Src.Port)
	return binary.BigEndian.AppendUint16(b, seg.Dst.Port)
}

// mapped reports whether an address is an IPv4 address.
func mapped(a []byte) bool {
	return binary.LittleEndian.Uint64(a) == 0 && binary.LittleEndian.Uint32(a[8:]) == 0xffff0000
}

// find returns the index of the segment's four-tuple, -1 if it is new, and the
// direction.
func (e *Encoder) find(seg *reassembly.Segment) (index, dir int) {
	if len(e.slots) == 0 {
		return -1, 0
	}
	mask := uint64(len(e.slots) - 1)
	for p := e.hash(&seg.Src, &seg.Dst); ; p++ {
		i := int(e.slots[p&mask]) - 1
		if i < 0 {
			return -1, 0
		}
		switch ends := &e.pairs[i].ends; {
		case ends[0].Is(&seg.Src) && ends[1].Is(&seg.Dst):
			return i, 0
		case ends[1].Is(&seg.Src) && ends[0].Is(&seg.Dst):
			return i, 1
		}
	}
}

// add adds the four-tuple of a segment, whose direction becomes 0.
func (e *Encoder) add(seg *reassembly.Segment) int {
	e.pairs = append(e.pairs, pair{ends: [2]reassembly.Endpoint{seg.Src, seg.Dst}})
	if 2*len(e.pairs) > len(e.slots) {
		e.slots = make([]uint16, max(64, 2*len(e.slots)))
		for i := range e.pairs {
			e.put(i)
		}
	} else {
		e.put(len(e.pairs) - 1)
	}
	return len(e.pairs) - 1
}

func (e *Encoder) put(i int) {
	mask := uint64(len(e.slots) - 1)
	p := e.hash(&e.pairs[i].ends[0], &e.pairs[i].ends[1])
	for ; e.slots[p&mask] != 0; p++ {
	}
	e.slots[p&mask] = uint16(i + 1)
}

// hash is the same in both directions. It has a random seed, so that nobody can
// choose addresses that collide. The chunk does not depend on it.
func (e *Encoder) hash(x, y *reassembly.Endpoint) uint64 {
	if e.seed[0] == 0 {
		e.seed = [2]uint64{rand.Uint64() | 1, rand.Uint64()}
	}
	return (e.fold(x) + e.fold(y)) * 0x9E3779B97F4A7C15 >> 32
}

func (e *Encoder) fold(x *reassembly.Endpoint) uint64 {
	a := binary.LittleEndian.Uint64(x.Addr[:8]) ^ uint64(x.Port)*0xA0761D6478BD642F ^ e.seed[0]
	b := binary.LittleEndian.Uint64(x.Addr[8:]) ^ e.seed[1]
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
