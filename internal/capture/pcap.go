package capture

import (
	"encoding/binary"
	"math"
)

// The magic numbers of pcap, as the writer's byte order has them
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html section 4).
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Alexey Kuznetzov's: 8 more bytes a record
)

const (
	pcapFileHeader     = 24
	pcapRecordHeader   = 16
	pcapModifiedHeader = 24
	pcapNokiaHeader    = 20 // the usual magic, and 4 more bytes a record
	pcapSuSEHeader     = 28 // the modified magic, and 12 more bytes a record
)

// lengthOrder says which of a record's two lengths comes first.
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	smallerFirst              // version 2.3, whose writers disagree
	capturedLast              // before 2.3, and DG/UX
)

// A pcap reads the records of a classic capture file.
type pcap struct {
	*stream
	order   byteOrder
	lengths lengthOrder
	link    LinkType
	head    int // bytes of a record header
	info    *Info
	second  uint32 // units of the fraction in a second; 0 before the first record, see chooseUnit
	unit    int64  // nanoseconds in such a unit
	looked  int    // records by which chooseUnit chose it
	snap    uint32 // as the header states it; the maximum if that is 0
	num     uint32 // records so far
	first   bool   // a record was read
	usual   bool   // records are as little-endian machines write them today
	lost    bool   // fractions have lost zeros, see decimals
	latest  struct{ sec, frac uint32 }
	one     [1]Frame
}

// pcapMagic recognises the first four bytes of a file.
func pcapMagic(b []byte) (order byteOrder, magic uint32, ok bool) {
	for _, order = range []byteOrder{littleEndian, bigEndian} {
		switch magic = order.u32(b); magic {
		case magicMicro, magicNano, magicModified:
			return order, magic, true
		}
	}
	return order, 0, false
}

// newPcap reads the file header of a stream that begins with a pcap magic.
func newPcap(s *stream, info *Info) (*pcap, error) {
	if !s.has(pcapFileHeader) {
		return nil, s.cut("pcap file header", pcapFileHeader)
	}
	h := s.buf[s.off:]
	order, magic, _ := pcapMagic(h)
	p := &pcap{stream: s, order: order, head: pcapRecordHeader, info: info, unit: 1e3}
	switch magic {
	case magicNano:
		p.unit = 1
	case magicModified:
		p.head = pcapModifiedHeader
	}
	major, minor := order.u16(h[4:]), order.u16(h[6:])
	switch {
	case major == 543, major == 2 && minor < 3: // as libpcap, sf-pcap.c
		p.lengths = capturedLast
	case major == 2 && minor == 3:
		p.lengths = smallerFirst
	case major != 2:
		return nil, s.damage("pcap version %d.%d is not known", major, minor)
	}
	p.snap = order.u32(h[16:])
	if p.snap == 0 {
		p.snap = math.MaxUint32
	}
	p.link = LinkType(order.u32(h[20:]) & 0xffff) // above: reserved bits and the FCS length
	s.off += pcapFileHeader
	return p, nil
}

// close does nothing: pcap files do not state when the capture ended.
func (p *pcap) close() {}

// plain reads the next records, as long as all of one is in the block and nothing about it is
// unusual.
func (p *pcap) plain(frs []Frame, since int64) (n int, bytes uint64) {
	const header = pcapRecordHeader
	if !p.usual {
		return 0, 0
	}
	block, second, unit, num := p.buf[:p.end], p.second, p.unit, p.num
	off := p.off
	for n < len(frs) {
		b := block[off:]
		if len(b) < header {
			break
		}
		sec, frac := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		size, wire := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		end := header + int(size)
		if sec <= 0x4d3cb2a1 || sec >= magicNano || frac >= second || size > maxFrame || end > len(b) { // what isMagic says lies before 2011 or after 2055
			break
		}
		at := int64(sec)*1e9 + int64(frac)*unit
		if at < since {
			break
		}
		since = at
		off += end
		num++
		fr := &frs[n]
		fr.Data = b[header:end:end]
		fr.At = at
		fr.Len = int(max(size, wire))
		fr.Num = num
		fr.Link = p.link
		n++
	}
	bytes = uint64(off - p.off - n*header)
	p.off, p.num = off, num
	return n, bytes
}

func (p *pcap) next(fr *Frame) error {
	if n, _ := p.plain(p.one[:], math.MinInt64); n == 1 {
		*fr = p.one[0]
		return nil
	}
	if !p.first && p.has(p.head) {
		p.first = true
		p.recogniseVariant()
		p.usual = p.order == littleEndian && p.lengths == capturedFirst && p.head == pcapRecordHeader
	}
	if !p.has(p.head) {
		if p.rest() == 0 {
			return p.finish()
		}
		return p.cut("record header", int64(p.head))
	}
	h := p.buf[p.off : p.off+pcapRecordHeader]
	sec, frac := p.order.u32(h[0:]), p.order.u32(h[4:])
	size, wire := p.sizes(h)
	if size > maxFrame || frac >= p.second || sec|frac|wire == 0 || isMagic(sec) {
		if err := p.check(h, frac, size, wire); err != nil {
			return err
		}
	}
	n := p.head + int(size)
	if !p.has(n) {
		return p.cut("record", int64(n))
	}
	if p.lost {
		frac = p.withZeros(sec, frac)
	}
	fr.Data = p.buf[p.off+p.head : p.off+n : p.off+n]
	p.off += n
	p.num++
	fr.At = int64(sec)*1e9 + int64(frac)*p.unit
	fr.Len = int(max(size, wire))
	fr.Num = p.num
	fr.Link = p.link
	return nil
}

// sizes are a record's bytes in the file and on the wire.
func (p *pcap) sizes(h []byte) (size, wire uint32) {
	size, wire = p.order.u32(h[8:]), p.order.u32(h[12:])
	if p.lengths != capturedFirst && (p.lengths == capturedLast || size > wire) {
		size, wire = wire, size
	}
	return size, wire
}

// isMagic reports whether the seconds of a record are the magic number of a pcap
// file, in either byte order, or of a pcapng file.
func isMagic(sec uint32) bool {
	switch sec {
	case magicMicro, magicNano, magicModified, 0xd4c3b2a1, 0x4d3cb2a1, 0x34cdb2a1, blockSection:
		return true
	}
	return false
}

// check examines an unusual record header h, or the first. Real writers make one mistake at a
// time: a fraction of more than a second, a frame longer than the snap length, a
// captured length larger than that on the wire. Two of these are damage.
func (p *pcap) check(h []byte, frac, size, wire uint32) error {
	if p.second == 0 {
		p.chooseUnit()
	}
	switch {
	case startsPcap(h):
		return p.damage("another pcap file begins here: files put end to end are not one capture")
	case startsPcapng(h):
		return p.damage("a pcapng file begins here: files put end to end are not one capture")
	case size > maxFrame:
		return p.damage("a record claims %d bytes", size)
	case p.order.u64(h) == 0 && size|wire == 0:
		return p.damage("zeros where a record should begin")
	case frac >= p.second && (size > p.snap || size > wire):
		return p.damage("no record begins here: a fraction of %d/%d s, %d bytes captured of %d", frac, p.second, size, wire)
	}
	if frac >= p.second {
		p.reviewUnit(frac)
	}
	return nil
}

// startsPcap reports whether a file header of pcap 2 begins at b.
func startsPcap(b []byte) bool {
	order, _, ok := pcapMagic(b)
	return ok && order.u16(b[4:]) == 2
}
