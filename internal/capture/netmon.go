package capture

import (
	"time"
)

// A netmon reads the captures of Microsoft Network Monitor 1.x and 2.x
// (https://learn.microsoft.com/openspecs, "Netmon capture file format"; wiretap/
// netmon.c). Records come one after another behind the header; a table of their
// places, and other tables, come after them. All numbers are little-endian.
type netmon struct {
	*stream
	info    *Info
	start   int64 // nanoseconds since 1970; the header has no time zone
	until   int64 // where the first table begins
	table   uint32
	link    LinkType
	two     bool
	trailer int // bytes after a frame
	num     uint32
}

const (
	netmon1Magic  = "RTSS"
	netmon2Magic  = "GMBU"
	netmonHeader  = 128
	netmonRecord1 = 8
	netmonRecord2 = 16
)

// netmonLinks are the media types that carry IP.
var netmonLinks = map[uint16]LinkType{
	1: LinkEthernet, 3: LinkFDDI, 7: LinkRaw, 8: LinkRaw, 9: LinkIPv4, 10: LinkIPv6,
}

// netmonLink is the link type of a media type. Types from 0xe000 on are those of
// pcap; others are no type of a link here.
func netmonLink(media uint16) LinkType {
	if link, known := netmonLinks[media]; known {
		return link
	}
	if media&0xf000 == 0xe000 {
		return LinkType(media & 0x0fff)
	}
	return linkNone
}

func newNetmon(s *stream, info *Info) (*netmon, error) {
	if !s.has(netmonHeader) {
		return nil, s.cut("Network Monitor header", netmonHeader)
	}
	le := littleEndian
	h := s.buf[s.off : s.off+netmonHeader]
	minor, major := h[4], h[5]
	n := &netmon{stream: s, info: info, two: string(h[:4]) == netmon2Magic, link: netmonLink(le.u16(h[6:]))}
	if n.two != (major == 2) || major != 1 && major != 2 {
		return nil, s.damage("Network Monitor version %d.%d is not known", major, minor)
	}
	at := time.Date(int(le.u16(h[8:])), time.Month(le.u16(h[10:])), int(le.u16(h[14:])), int(le.u16(h[16:])), int(le.u16(h[18:])), int(le.u16(h[20:])),
		int(le.u16(h[22:]))*int(time.Millisecond), time.UTC)
	n.start = min(max(at.UnixNano(), 0), maxTime)
	if y := at.Year(); y < 1970 || y > 2115 {
		n.start = 0
	}
	if n.two {
		switch {
		case minor == 1:
			n.trailer = 2
		case minor == 2:
			n.trailer = 6
		case minor >= 3:
			n.trailer = 15
		}
	}
	// Tables that come before the records, or not at all, say nothing about these.
	for i := 24; i < 64; i += 8 {
		if at := int64(le.u32(h[i:])); at > netmonHeader && le.u32(h[i+4:]) > 0 && (n.until == 0 || at < n.until) {
			n.until = at
		}
	}
	n.table = le.u32(h[28:]) / 4
	s.off += netmonHeader
	if n.trailer == 0 {
		info.carries(n.link)
	}
	return n, nil
}

func (n *netmon) close() {}

func (n *netmon) next(fr *Frame) error {
	for {
		if n.until > 0 && n.pos() >= n.until || n.table > 0 && n.num >= n.table && n.until == 0 {
			return n.skipRest()
		}
		head := netmonRecord1
		if n.two {
			head = netmonRecord2
		}
		if !n.has(head) {
			if n.rest() == 0 {
				return n.finish()
			}
			return n.cut("record header", int64(head))
		}
		media, err := n.record(fr, head)
		if err != nil {
			return err
		}
		n.num++
		if media >= 0xfffb { // not a frame, but something about the capture
			n.table--
			n.num--
			continue
		}
		fr.Num = n.num
		return nil
	}
}

// skipRest reads the tables, so that a pipe is read to its end.
func (n *netmon) skipRest() error {
	for n.has(1) {
		n.off = n.end
	}
	return n.finish()
}

// record reads one record, and returns its media type if it has one.
func (n *netmon) record(fr *Frame, head int) (media uint16, err error) {
	le := littleEndian
	h := n.buf[n.off:]
	var size, wire uint32
	at := n.start
	if n.two {
		wire, size = le.u32(h[8:]), le.u32(h[12:])
		if micros := le.u64(h); micros < 1<<52 { // NetMon 2 writes 64 bits of microseconds
			at += int64(micros) * 1e3
		}
	} else {
		wire, size = uint32(le.u16(h[4:])), uint32(le.u16(h[6:]))
		at += int64(le.u32(h)) * 1e6
	}
	if size > maxFrame {
		return 0, n.damage("a record claims %d bytes", size)
	}
	whole := head + int(size) + n.trailer
	if !n.has(whole) {
		return 0, n.cut("record", int64(whole))
	}
	data := n.off + head
	fr.Data = n.buf[data : data+int(size) : data+int(size)]
	fr.Link = n.link
	if n.trailer > 0 {
		t := n.buf[data+int(size) : n.off+whole]
		media = le.u16(t)
		fr.Link = netmonLink(media)
		if media == 6 || media == 0x8000|6 { // 802.11, behind a header of Network Monitor's own
			fr.Link = netmonWifi(fr)
		}
		if len(t) == 15 {
			const ticksTo1970 = 116_444_736_000_000_000 // of 100 ns, from 1601
			if ticks := le.u64(t[6:]); ticks > ticksTo1970 && ticks-ticksTo1970 < maxTime/100 {
				at = int64(ticks-ticksTo1970) * 100
			}
		}
		n.info.carries(fr.Link)
	}
	n.off += whole
	fr.At = min(max(at, 0), maxTime)
	fr.Len = int(max(size, min(wire, maxFrame)))
	return media, nil
}

// netmonWifi drops the header before an 802.11 frame, which states its length.
func netmonWifi(fr *Frame) LinkType {
	const version, least = 2, 3
	b := fr.Data
	if len(b) < least || b[0] != version {
		return linkNone
	}
	n := int(littleEndian.u16(b[1:]))
	if n < least || n > len(b) {
		return linkNone
	}
	fr.Data = b[n:]
	return Link80211
}
