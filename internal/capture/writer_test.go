package capture

import (
	"bytes"
	"encoding/binary"
)

// put is what both writers append with.
type put struct {
	bytes.Buffer
	order byteOrder
}

func (p *put) bo() binary.AppendByteOrder {
	if p.order == bigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (p *put) u16(vs ...uint16) {
	for _, v := range vs {
		p.Write(p.bo().AppendUint16(nil, v))
	}
}

func (p *put) u32(vs ...uint32) {
	for _, v := range vs {
		p.Write(p.bo().AppendUint32(nil, v))
	}
}

// pcapHeader has the values that are not the usual ones.
type pcapHeader struct {
	order        byteOrder
	magic        uint32
	major, minor uint16
	snap         uint32
	link         uint32
}

type pcapWriter struct {
	put
	pcapHeader
}

func newPcapWriter(h pcapHeader) *pcapWriter {
	if h.magic == 0 {
		h.magic = magicMicro
	}
	if h.major == 0 {
		h.major, h.minor = 2, 4
	}
	if h.link == 0 {
		h.link = uint32(LinkEthernet)
	}
	w := &pcapWriter{pcapHeader: h}
	w.put.order = h.order
	w.u32(h.magic)
	w.u16(h.major, h.minor)
	w.u32(0, 0, h.snap, h.link)
	return w
}

// record writes a record at ns since 1970.
func (w *pcapWriter) record(at int64, data []byte, wire int) {
	frac := uint32(at % 1e9)
	if w.magic != magicNano {
		frac /= 1000
	}
	w.raw(uint32(at/1e9), frac, uint32(len(data)), uint32(wire), data)
}

// raw writes a record header as given.
func (w *pcapWriter) raw(sec, frac, captured, wire uint32, data []byte) {
	w.u32(sec, frac, captured, wire)
	if w.magic == magicModified {
		w.u32(7, 0)
	}
	w.Write(data)
}

type pcapngWriter struct{ put }

func newPcapngWriter(order byteOrder) *pcapngWriter {
	w := &pcapngWriter{}
	w.order = order
	return w
}

// An opt is an option of a block.
type opt struct {
	code  uint16
	value []byte
}

// block writes a block around what body writes, followed by options.
func (w *pcapngWriter) block(kind uint32, body func(*put), opts ...opt) {
	var b put
	b.order = w.order
	body(&b)
	pad(&b)
	for _, o := range opts {
		b.u16(o.code, uint16(len(o.value)))
		b.Write(o.value)
		pad(&b)
	}
	if len(opts) > 0 {
		b.u32(0)
	}
	size := uint32(b.Len() + 12)
	w.u32(kind, size)
	w.Write(b.Bytes())
	w.u32(size)
}

func pad(b *put) { b.Write(make([]byte, -b.Len()&3)) }

func (w *pcapngWriter) section() { w.sectionVersion(1, 0) }

func (w *pcapngWriter) sectionVersion(major, minor uint16) {
	w.block(blockSection, func(b *put) {
		b.u32(orderMagic)
		b.u16(major, minor)
		b.u32(0xffffffff, 0xffffffff)
	})
}

func (w *pcapngWriter) iface(link LinkType, opts ...opt) {
	w.block(blockInterface, func(b *put) {
		b.u16(uint16(link), 0)
		b.u32(0)
	}, opts...)
}

func (w *pcapngWriter) packet(id uint32, stamp uint64, data []byte, wire int, opts ...opt) {
	w.block(blockEnhanced, func(b *put) {
		b.u32(id, uint32(stamp>>32), uint32(stamp), uint32(len(data)), uint32(wire))
		b.Write(data)
	}, opts...)
}

func (w *pcapngWriter) obsolete(id, drops uint16, stamp uint64, data []byte, wire int) {
	w.block(blockPacket, func(b *put) {
		b.u16(id, drops)
		b.u32(uint32(stamp>>32), uint32(stamp), uint32(len(data)), uint32(wire))
		b.Write(data)
	})
}

func (w *pcapngWriter) simple(data []byte, wire int) {
	w.block(blockSimple, func(b *put) {
		b.u32(uint32(wire))
		b.Write(data)
	})
}

func (w *pcapngWriter) statistics(id uint32, opts ...opt) {
	w.block(blockStatistics, func(b *put) { b.u32(id, 0, 0) }, opts...)
}

func (w *pcapngWriter) u64opt(code uint16, v uint64) opt {
	return opt{code, w.bo().AppendUint64(nil, v)}
}

// stampopt holds a timestamp: high half first, whatever the byte order.
func (w *pcapngWriter) stampopt(code uint16, v uint64) opt {
	return opt{code, w.bo().AppendUint32(w.bo().AppendUint32(nil, uint32(v>>32)), uint32(v))}
}
