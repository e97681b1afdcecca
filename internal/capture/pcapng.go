package capture

import (
	"encoding/binary"
	"math"
)

// Block types of pcapng
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html section 4).
const (
	blockInterface  = 1
	blockPacket     = 2 // obsolete
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
	blockJournal    = 9          // a systemd journal entry, which Wireshark numbers as a frame
	blockSection    = 0x0a0d0d0a // the same in both byte orders
)

const (
	orderMagic   = 0x1a2b3c4d
	blockFrame   = 12 // type, length, length again
	sectionHead  = 24 // up to the options
	enhancedHead = 28 // up to the packet; the obsolete block's is as long
	simpleHead   = 12
	maxBlock     = maxFrame + 1<<16 // a packet with its options
)

// A pcapng reads the packet blocks of a pcapng file.
type pcapng struct {
	*stream
	order      byteOrder
	interfaces []iface
	before     uint32 // interfaces of the sections before this one
	info       *Info
	clock      *clock
	num        uint32 // packet blocks so far
	last       int64  // time of the last packet, for simple packet blocks
	one        [1]Frame
}

// startsPcapng reports whether a section header block begins at b, of at least
// 12 bytes.
func startsPcapng(b []byte) bool {
	return bigEndian.u32(b) == blockSection &&
		(littleEndian.u32(b[8:]) == orderMagic || bigEndian.u32(b[8:]) == orderMagic)
}

// newPcapng reads the section header that a stream begins with.
func newPcapng(s *stream, info *Info, clock *clock) (*pcapng, error) {
	n := &pcapng{stream: s, info: info, clock: clock}
	return n, n.section()
}

// plain reads the next blocks, as long as all of one is in memory and it is what nearly every
// block is, a packet of a little-endian section without options.
func (n *pcapng) plain(frs []Frame, since int64) (read int, bytes uint64) {
	const least = enhancedHead + 4
	for n.order == littleEndian && read < len(frs) {
		b := n.buf[n.off:n.end]
		if len(b) < least || binary.LittleEndian.Uint32(b) != blockEnhanced {
			break
		}
		size, id, captured := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[20:])
		if captured > maxFrame || size != least+(captured+3)&^3 || uint64(size) > uint64(len(b)) || id >= uint32(len(n.interfaces)) ||
			binary.LittleEndian.Uint32(b[size-4:]) != size {
			break
		}
		at := n.interfaces[id].time(uint64(binary.LittleEndian.Uint32(b[12:]))<<32 | uint64(binary.LittleEndian.Uint32(b[16:])))
		if at < since || at == maxTime { // see nanoseconds
			break
		}
		since, n.last = at, at
		bytes += uint64(captured)
		n.deliver(&frs[read], b[:size], enhancedHead, captured, binary.LittleEndian.Uint32(b[24:]), id)
		read++
	}
	return read, bytes
}

func (n *pcapng) next(fr *Frame) error {
	if read, _ := n.plain(n.one[:], math.MinInt64); read == 1 {
		*fr = n.one[0]
		return nil
	}
	for {
		if !n.has(8) {
			if n.rest() == 0 {
				return n.finish()
			}
			return n.cut("block header", 8)
		}
		kind, size := n.order.u32(n.buf[n.off:]), n.order.u32(n.buf[n.off+4:])
		var err error
		switch kind {
		case blockEnhanced, blockPacket:
			return n.packet(fr, size, kind)
		case blockSimple:
			return n.simple(fr, size)
		case blockSection:
			n.close()
			err = n.section()
		case blockInterface:
			err = n.describe(size)
		case blockStatistics:
			err = n.statistics(size)
		case blockJournal:
			n.num++
			err = n.pass(size)
		default:
			err = n.pass(size)
		}
		if err != nil {
			return err
		}
	}
}

// section reads a section header block. Its byte order holds until the next.
func (n *pcapng) section() error {
	if !n.has(sectionHead) {
		return n.cut("section header", sectionHead)
	}
	b := n.buf[n.off:]
	switch {
	case littleEndian.u32(b[8:]) == orderMagic:
		n.order = littleEndian
	case bigEndian.u32(b[8:]) == orderMagic:
		n.order = bigEndian
	default:
		return n.damage("a section header without its byte-order magic")
	}
	if major := n.order.u16(b[12:]); major != 1 {
		return n.damage("pcapng version %d.%d is not known", major, n.order.u16(b[14:]))
	}
	n.before += uint32(len(n.interfaces))
	n.interfaces = n.interfaces[:0]
	return n.pass(n.order.u32(b[4:]))
}

// whole reads the block of size bytes at the stream's position into memory. It
// checks that the block has its fixed part and repeats its length at the end.
func (n *pcapng) whole(size uint32, fixed int) ([]byte, error) {
	if size%4 != 0 || size < uint32(fixed)+4 || size > maxBlock {
		return nil, n.damage("a block claims %d bytes", size)
	}
	if !n.has(int(size)) {
		return nil, n.cut("block", int64(size))
	}
	b := n.buf[n.off : n.off+int(size)]
	if again := n.order.u32(b[size-4:]); again != size {
		return nil, n.damage("a block of %d bytes ends as one of %d", size, again)
	}
	return b, nil
}

// pass skips a block of any size.
func (n *pcapng) pass(size uint32) error {
	if size%4 != 0 || size < blockFrame {
		return n.damage("a block claims %d bytes", size)
	}
	start := n.pos()
	if !n.skip(int64(size)-4) || !n.has(4) {
		d := n.cut("block", int64(size))
		d.Offset = start
		return d
	}
	if again := n.order.u32(n.buf[n.off:]); again != size {
		d := n.damage("a block of %d bytes ends as one of %d", size, again)
		d.Offset = start
		return d
	}
	n.off += 4
	return nil
}

// packet reads an enhanced packet block or an obsolete packet block. The latter
// has a 16-bit interface number and a drop count instead of a 32-bit interface
// number.
func (n *pcapng) packet(fr *Frame, size, kind uint32) error {
	b, err := n.whole(size, enhancedHead)
	if err != nil {
		return err
	}
	id, drops := n.order.u32(b[8:]), uint16(0)
	if kind == blockPacket {
		id, drops = uint32(n.order.u16(b[8:])), n.order.u16(b[10:])
	}
	if id >= uint32(len(n.interfaces)) {
		return n.damage("a packet of interface %d, of %d described", id, len(n.interfaces))
	}
	captured := n.order.u32(b[20:])
	if captured > size-enhancedHead-4 || captured > maxFrame {
		return n.damage("a packet of %d bytes in a block of %d", captured, size)
	}
	iface := &n.interfaces[id]
	stamp := uint64(n.order.u32(b[12:]))<<32 | uint64(n.order.u32(b[16:]))
	n.last = iface.time(stamp)
	if n.last == maxTime && iface.packets == 0 {
		n.nanoseconds(iface, stamp)
	}
	n.deliver(fr, b, enhancedHead, captured, n.order.u32(b[24:]), id)
	if options := b[enhancedHead+(captured+3)&^3 : size-4]; len(options) > 4 && kind == blockEnhanced {
		n.dropCount(iface, options)
	} else if kind == blockPacket && drops != dropsUnknown {
		iface.lose(uint64(drops), n.info)
	}
	return nil
}

// simple reads a simple packet block: a packet of interface 0 without a time. It
// gets the time of the packet before it.
func (n *pcapng) simple(fr *Frame, size uint32) error {
	b, err := n.whole(size, simpleHead)
	if err != nil {
		return err
	}
	if len(n.interfaces) == 0 {
		return n.damage("a packet of interface 0, of none described")
	}
	iface := &n.interfaces[0]
	wire := n.order.u32(b[8:])
	captured := min(wire, size-simpleHead-4, maxFrame)
	if iface.snap != 0 {
		captured = min(captured, iface.snap)
	}
	n.info.warn(&n.info.warnedSimple, "simple packet blocks have no time: each is taken to be as late as the packet before it")
	n.deliver(fr, b, simpleHead, captured, wire, 0)
	return nil
}

func (n *pcapng) deliver(fr *Frame, block []byte, head, captured, wire, id uint32) {
	iface := &n.interfaces[id]
	n.off += len(block)
	n.num++
	iface.packets++
	end := head + captured
	fr.At = n.last
	fr.Data = block[head:end:end]
	fr.Len = int(max(captured, wire))
	fr.Num = n.num
	fr.Link = iface.link
	fr.Interface = uint16(min(n.before+id, math.MaxUint16))
	fr.Text, fr.Missing = iface.text, iface.missing
}
