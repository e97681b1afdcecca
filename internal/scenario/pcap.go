package scenario

import (
	"encoding/binary"
	"fmt"
)

// Blocks and options of the pcapng format (draft-ietf-opsawg-pcapng).
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6

	optEnd        = 0
	optComment    = 1
	optResolution = 9 // of an interface
	optEndTime    = 3 // of statistics
	optReceived   = 4 // of statistics
)

// Pcapng makes a capture of scenario text that holds a single trace. See
// Trace.Pcapng.
func Pcapng(text []byte) ([]byte, error) {
	f, err := Parse("", text)
	if err != nil {
		return nil, err
	}
	if len(f.Traces) != 1 {
		return nil, fmt.Errorf("%d traces are not one capture; put each into a file", len(f.Traces))
	}
	return f.Traces[0].Pcapng()
}

// Pcapng makes a capture of the trace: Ethernet frames cut behind their
// headers, with correct checksums over a payload of zeroes. An interface
// statistics block states the end, so that silence up to it counts.
func (t *Trace) Pcapng() ([]byte, error) {
	b := appendSection(nil)
	var packet []byte
	var packets uint64
	last := t.Start
	for i := range t.Lines {
		l := &t.Lines[i]
		last = max(last, l.Seg.At)
		switch {
		case !l.Captured:
			continue
		case l.Other:
			b = appendPacketBlock(b, l.Seg.At, otherPacket, uint32(len(otherPacket)))
		case optionBytes(&l.Seg.Opts) > maxOptionBytes:
			return nil, fmt.Errorf("%s: frame %d: no TCP header has room for the options", t.Name, l.Seg.Frame)
		default:
			var headers uint32
			packet, headers = appendPacket(packet[:0], &l.Seg)
			b = appendPacketBlock(b, l.Seg.At, packet, headers+l.Seg.Len)
		}
		packets++
	}
	return appendStatistics(b, last, packets), nil
}

// appendSection begins the section and describes its interface.
func appendSection(b []byte) []byte {
	le := binary.LittleEndian
	b = appendBlock(b, blockSection, func(b []byte) []byte {
		b = le.AppendUint32(b, 0x1a2b3c4d)         // byte order
		b = le.AppendUint32(b, 1)                  // version 1.0
		b = le.AppendUint64(b, 0xffffffffffffffff) // section length: not said
		b = appendOption(b, optComment, "tcptrace scenario")
		return appendOption(b, optEnd, "")
	})
	return appendBlock(b, blockInterface, func(b []byte) []byte {
		b = le.AppendUint32(b, 1) // Ethernet
		b = le.AppendUint32(b, 0) // no snap length: headers vary
		b = appendOption(b, optResolution, "\x09")
		return appendOption(b, optEnd, "")
	})
}

func appendPacketBlock(b []byte, at int64, packet []byte, wire uint32) []byte {
	le := binary.LittleEndian
	return appendBlock(b, blockPacket, func(b []byte) []byte {
		b = le.AppendUint32(b, 0) // interface
		b = appendTimestamp(b, at)
		b = le.AppendUint32(b, uint32(len(packet)))
		b = le.AppendUint32(b, wire)
		return align(append(b, packet...))
	})
}

func appendStatistics(b []byte, end int64, packets uint64) []byte {
	le := binary.LittleEndian
	return appendBlock(b, blockStatistics, func(b []byte) []byte {
		b = le.AppendUint32(b, 0) // interface
		b = appendTimestamp(b, end)
		b = appendOption(b, optEndTime, string(appendTimestamp(nil, end)))
		b = appendOption(b, optReceived, string(le.AppendUint64(nil, packets)))
		return appendOption(b, optEnd, "")
	})
}

// appendBlock frames what body writes with the block's type and lengths.
func appendBlock(b []byte, kind uint32, body func([]byte) []byte) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = le.AppendUint32(b, kind)
	b = body(le.AppendUint32(b, 0))
	length := uint32(len(b) - start + 4)
	le.PutUint32(b[start+4:], length)
	return le.AppendUint32(b, length)
}

func appendOption(b []byte, code uint16, value string) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return align(append(b, value...))
}

// appendTimestamp writes nanoseconds as pcapng does, the high half first.
func appendTimestamp(b []byte, ns int64) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(uint64(ns)>>32))
	return binary.LittleEndian.AppendUint32(b, uint32(ns))
}

// align fills up to a multiple of four; every block begins at one.
func align(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
