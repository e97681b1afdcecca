package capture

// An erf reads Endace's extensible record format (https://www.endace.com/erf-
// extensible-record-format-types.pdf). It has no magic number: a file is a series of
// records. Times are little-endian, and all else big-endian.
type erf struct {
	*stream
	info *Info
	num  uint32
}

const (
	erfHeader = 16
	erfMore   = 0x80 // in the type, or in the first byte of an extension header: another follows
	erfPad    = 48
	erfMeta   = 27
)

// An erfType is how the records of a type go on after the header.
type erfType struct {
	link LinkType
	skip int // bytes before the frame
}

// erfTypes are those that carry IP.
var erfTypes = map[byte]erfType{
	1:  {LinkCHDLC, 0}, // packet over SONET: HDLC, as Cisco's or as PPP
	2:  {LinkEthernet, 2},
	10: {LinkCHDLC, 0},
	11: {LinkEthernet, 2},
	15: {LinkCHDLC, 0},
	16: {LinkEthernet, 2},
	20: {LinkEthernet, 2},
	22: {LinkIPv4, 0},
	23: {LinkIPv6, 0},
}

// erfRecord checks the header of a record, and returns the length of the headers.
func erfRecord(b []byte) (kind byte, length, wire int, ok bool) {
	kind = b[8] &^ erfMore
	length, wire = int(bigEndian.u16(b[10:])), int(bigEndian.u16(b[14:]))
	return kind, length, wire, kind >= 1 && kind <= erfPad && length >= erfHeader
}

// isERF reports whether the bytes are records of this format: several, with times
// of this century that go on.
func isERF(s *stream) bool {
	const enough = 8
	at, count := 0, 0
	var before uint32
	for count < enough {
		if !s.has(at + erfHeader) {
			return count > 0 && len(s.buf[s.off:s.end]) == at
		}
		b := s.buf[s.off+at:]
		kind, length, wire, ok := erfRecord(b)
		_, known := erfTypes[kind]
		sec := littleEndian.u32(b[4:])
		switch {
		case !ok, !known && kind != erfPad && kind != erfMeta:
			return false
		case kind == erfPad || kind == erfMeta:
		case wire == 0 || sec < 600_000_000 || count > 0 && (sec+2 < before || sec > before+1_000_000):
			return false
		default:
			before = sec
		}
		at += length
		count++
	}
	return before != 0
}

func newERF(s *stream, info *Info) *erf { return &erf{stream: s, info: info} }

func (e *erf) close() {}

func (e *erf) next(fr *Frame) error {
	for {
		if !e.has(erfHeader) {
			if e.rest() == 0 {
				return e.finish()
			}
			return e.cut("record header", erfHeader)
		}
		kind, length, wire, ok := erfRecord(e.buf[e.off:])
		if !ok {
			return e.damage("a record of type %d claims %d bytes", kind, length)
		}
		if !e.has(length) {
			return e.cut("record", int64(length))
		}
		b := e.buf[e.off : e.off+length]
		e.off += length
		if lost := bigEndian.u16(b[12:]); kind == 2 || kind == 1 {
			e.info.Drops += uint64(lost)
		}
		if kind == erfPad {
			continue
		}
		e.num++
		fr.Num = e.num
		fr.At = erfTime(littleEndian.u64(b))
		t, known := erfTypes[kind]
		if !known {
			t.link = linkNone
		}
		head := erfHeader
		for more := b[8]&erfMore != 0; more && head+8 <= length; head += 8 {
			more = b[head]&erfMore != 0
		}
		head = min(head+t.skip, length)
		// Files may be padded: the record is longer than the frame.
		fr.Data = b[head:min(length, max(head, head+wire)):length]
		fr.Len = max(wire, len(fr.Data))
		fr.Link = t.link
		e.info.carries(fr.Link)
		return nil
	}
}

// erfTime is seconds since 1970 and their fraction, of 32 bits each.
func erfTime(stamp uint64) int64 {
	return int64(stamp>>32)*1e9 + int64((stamp&(1<<32-1))*1e9>>32)
}
