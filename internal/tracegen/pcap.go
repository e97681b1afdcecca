package tracegen

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	minFrame    = 60 // a tap sees padded frames, without their checksum (IEEE 802.3)
	recordLen   = 16
	maxPayload  = 1460
	maxRecord   = recordLen + maxHeaders + maxPayload
	payloadByte = 'x'
	blockSize   = 1 << 20
)

// pcapNanos and pcapMicros are the magic numbers of the two time resolutions.
const (
	pcapMicros = 0xa1b2c3d4
	pcapNanos  = 0xa1b23c4d
	linkEther  = 1
)

// A pcapWriter writes segments as the frames of a classic pcap file,
// little-endian. It keeps the first error.
type pcapWriter struct {
	w       io.Writer
	err     error
	buf     []byte // not yet written
	bytes   int64  // written
	frames  int64
	snap    int
	unit    int64 // of a timestamp's fraction, nanoseconds
	scratch [maxHeaders]byte
}

var (
	payload = bytes.Repeat([]byte{payloadByte}, maxPayload)
	padding [minFrame]byte
)

func newPcapWriter(w io.Writer, snap int, nanos bool) *pcapWriter {
	p := &pcapWriter{w: w, snap: snap, unit: 1000, buf: make([]byte, 0, blockSize+maxRecord)}
	magic := uint32(pcapMicros)
	if nanos {
		magic, p.unit = pcapNanos, 1
	}
	le := binary.LittleEndian
	b := le.AppendUint32(p.buf, magic)
	b = le.AppendUint16(b, 2) // version 2.4
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0) // time zone and accuracy: always 0
	b = le.AppendUint32(b, uint32(snap))
	p.buf = le.AppendUint32(b, linkEther)
	return p
}

// write adds a segment as the tap saw it at a time, nanoseconds since 1970.
func (p *pcapWriter) write(at int64, from, to *end, g *segment) {
	frame := p.scratch[:p.headers(from, to, g)]
	wire := max(len(frame)+int(g.length), minFrame)
	kept := min(wire, p.snap)
	le := binary.LittleEndian
	b := le.AppendUint32(p.buf, uint32(at/1e9))
	b = le.AppendUint32(b, uint32(at%1e9/p.unit))
	b = le.AppendUint32(b, uint32(kept))
	b = le.AppendUint32(b, uint32(wire))
	end := len(b) + kept
	b = append(b, frame...)
	b = append(b, payload[:min(int(g.length), p.snap)]...)
	b = append(b, padding[:max(0, minFrame-len(frame)-int(g.length))]...)
	p.buf = b[:end]
	p.frames++
	if len(p.buf) >= blockSize {
		p.flush()
	}
}

// flush writes out what is buffered.
func (p *pcapWriter) flush() {
	p.bytes += int64(len(p.buf))
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
	p.buf = p.buf[:0]
}
