package metamorphic

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors/services"
)

// An encapsulation wraps packets in frames of a link type. It only adds headers, so
// that what was not captured stays so.
type encapsulation struct {
	name string
	link uint32
	wrap func(*frame) []byte
	lose losses
}

// losses are what an encapsulation cannot hold.
type losses uint8

const (
	losesTags losses = 1 << iota // VLAN tags
	losesMACs                    // link-layer addresses, which distinguish duplicates
	losesIPID                    // IPv4 identification, which distinguishes duplicates and forged segments
	onlyIPv4                     // fits IPv4 only
)

// fits reports whether the conversation loses nothing that matters.
func (d *encapsulation) fits(c *conversation) bool {
	switch {
	case d.lose&losesTags != 0 && !c.inOneTunnel(),
		d.lose&(losesMACs|losesIPID) != 0 && c.hasDuplicates(),
		d.lose&losesIPID != 0 && (c.restsOnIPIDs() || c.repeats() || c.quoted()), // ICMPv4 is nothing in IPv6
		d.lose&onlyIPv4 != 0 && c.frames[0].is6():
		return false
	}
	return true
}

// restsOnIPIDs reports whether a finding says that an IP ID proves it, or is another
// without IP IDs.
func (c *conversation) restsOnIPIDs() bool {
	if slices.ContainsFunc(c.plain.findings, func(line string) bool { return strings.Contains(line, "IP ID") }) {
		return true
	}
	rep, err := analyse(plain.pcap(changed(c.frames, func(f *frame) {
		if !f.is6() {
			f.packet[4], f.packet[5] = 0, 0
		}
	})))
	if err != nil {
		return true
	}
	without := summarise(rep, nil)
	return !slices.Equal(without.rows, c.plain.rows) || !slices.Equal(without.findings, c.plain.findings)
}

// quoted reports whether an ICMP error quotes a segment: nobody changes the quote when the
// segment is changed.
func (c *conversation) quoted() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return f.quotesTCP() })
}

// portMatters reports whether the server's port means something: what an unbind looks like in LDAP, that
// FTP has data connections, what asks for an answer, that a proxy may wait for another server, what an acknowledgment looks like in HTTP/2, where no request waits
// for news, and without a handshake, who the client seems to be.
func (c *conversation) portMatters() bool {
	return slices.ContainsFunc(c.plain.findings, func(line string) bool {
		return strings.HasPrefix(line, "no-data ") || strings.HasPrefix(line, "slow-response ") || strings.HasPrefix(line, "reset-cause unread-data ") && (!c.opens() || c.saysGoodbye()) ||
			(strings.HasPrefix(line, "reset-cause data-after-close ") || strings.HasPrefix(line, "reset-cause aborted ")) && !c.opens()
	}) ||
		slices.ContainsFunc(c.frames, func(f frame) bool {
			return !f.other && (isService(be.Uint16(f.tcp())) || isService(be.Uint16(f.tcp()[2:])) || services.MayAcknowledge(services.HTTPS, uint32(f.payload())))
		})
}

// saysGoodbye reports whether some payload is as short as a close_notify of TLS, which nobody misses at the port of HTTPS.
func (c *conversation) saysGoodbye() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return !f.other && f.payload() > 0 && f.payload() <= 31 })
}

// opens reports whether a SYN shows who the client is.
func (c *conversation) opens() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return !f.other && f.tcp()[13]&0x17 == 0x02 })
}

func isService(port uint16) bool {
	return services.AnswersAtOnce(port) || services.HasLDAP(port) || services.Forwards(port) || services.Streams(port)
}

// repeats reports whether a host sends the same segment twice so soon that only its
// IP identification distinguishes the second from a duplicate of the first.
func (c *conversation) repeats() bool {
	const soon = 2_000_000 // ns, in which duplicates come
	for i := range c.frames {
		f := &c.frames[i]
		for j := i - 1; j >= 0 && !f.other && f.at-c.frames[j].at <= soon; j-- {
			g := &c.frames[j]
			from, to := f.ends()
			if g.other || !bytes.Equal(f.tcp(), g.tcp()) {
				continue
			}
			if gFrom, gTo := g.ends(); from == gFrom && to == gTo {
				return true
			}
		}
	}
	return false
}

var plain = encapsulation{name: "Ethernet", link: 1, wrap: (*frame).ethernet}

// A record is a frame in a file.
type record struct {
	at   int64
	data []byte
	wire int
}

// records are the frames in this encapsulation.
func (d *encapsulation) records(frames []frame) []record {
	out := make([]record, len(frames))
	for i := range frames {
		data := d.wrap(&frames[i])
		out[i] = record{frames[i].at, data, len(data) + frames[i].rest}
	}
	return out
}

// pcap is the usual file: little-endian, nanoseconds.
func (d *encapsulation) pcap(frames []frame) []byte {
	return pcap(binary.LittleEndian, true, d.link, d.records(frames))
}

func pcap(order binary.AppendByteOrder, nano bool, link uint32, records []record) []byte {
	magic, unit := uint32(0xa1b2c3d4), int64(1000)
	if nano {
		magic, unit = 0xa1b23c4d, 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	for _, v := range []uint32{0, 0, 262144, link} {
		b = order.AppendUint32(b, v)
	}
	for _, r := range records {
		for _, v := range []uint32{uint32(r.at / 1e9), uint32(r.at % 1e9 / unit), uint32(len(r.data)), uint32(r.wire)} {
			b = order.AppendUint32(b, v)
		}
		b = append(b, r.data...)
	}
	return b
}
