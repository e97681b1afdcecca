package capture

// A snoop reads the captures of Solaris' snoop (RFC 1761): a header of 16 bytes,
// and records that state their own length. All numbers are big-endian.
type snoop struct {
	*stream
	info  *Info
	link  LinkType
	num   uint32
	drops uint64 // as of the last record, since the capture began
}

const (
	snoopMagic        = "snoop\x00\x00\x00"
	snoopHeader       = 16
	snoopRecordHeader = 24
)

// snoopLinks are the datalink types of RFC 1761 that carry IP.
var snoopLinks = map[uint32]LinkType{
	0: LinkEthernet, // IEEE 802.3
	4: LinkEthernet,
	8: LinkFDDI,
}

func newSnoop(s *stream, info *Info) (*snoop, error) {
	if !s.has(snoopHeader) {
		return nil, s.cut("snoop header", snoopHeader)
	}
	h := s.buf[s.off:]
	if version := bigEndian.u32(h[8:]); version != 2 {
		return nil, s.damage("snoop version %d is not known", version)
	}
	link, known := snoopLinks[bigEndian.u32(h[12:])]
	if !known {
		return nil, s.damage("snoop link type %d is not supported; the types of Ethernet and FDDI are", bigEndian.u32(h[12:]))
	}
	s.off += snoopHeader
	info.carries(link)
	return &snoop{stream: s, info: info, link: link}, nil
}

func (s *snoop) close() {}

func (s *snoop) next(fr *Frame) error {
	if !s.has(snoopRecordHeader) {
		if s.rest() == 0 {
			return s.finish()
		}
		return s.cut("record header", snoopRecordHeader)
	}
	h := s.buf[s.off:]
	wire, size, record := bigEndian.u32(h), bigEndian.u32(h[4:]), bigEndian.u32(h[8:])
	drops, sec, micro := bigEndian.u32(h[12:]), bigEndian.u32(h[16:]), bigEndian.u32(h[20:])
	if size > maxFrame || record < snoopRecordHeader+size || record > maxFrame+1<<16 {
		return s.damage("a record of %d bytes claims %d bytes of a frame", record, size)
	}
	if !s.has(int(record)) {
		return s.cut("record", int64(record))
	}
	data := s.off + snoopRecordHeader
	fr.Data = s.buf[data : data+int(size) : data+int(size)]
	s.off += int(record)
	s.num++
	if uint64(drops) > s.drops {
		s.info.Drops += uint64(drops) - s.drops
		s.drops = uint64(drops)
	}
	fr.At = int64(sec)*1e9 + int64(micro)*1e3
	fr.Len = int(min(max(size, wire), maxFrame))
	fr.Num = s.num
	fr.Link = s.link
	return nil
}
