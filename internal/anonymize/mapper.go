// Package anonymize replaces what identifies the hosts in a capture.
//
// A Mapper rewrites each segment right after decoding. Everything that comes
// later, analysis, report and evidence, knows only the replacement: an address
// is replaced by the same one everywhere, and no original can leak. What findings
// depend on stays: times, lengths, ports, flags, windows, common prefixes of
// addresses, and all differences of sequence numbers.
package anonymize

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Mapper replaces addresses and numbers, always the same way for one Key. It
// is not safe for concurrent use.
type Mapper struct {
	key   Key
	pan   cryptoPAn
	hosts map[[16]byte][16]byte
	paths map[path]uint32 // keyed hashes of tunnels and links
	vlan  []uint16        // by VLAN identifier; nil until one is needed

	// What is added to numbers is the same for all hosts. One that had its own would have two
	// where its address is translated, and what was captured on both sides of a NAT could not be
	// compared any more. A forged segment may have the IPv4 identification of its peer.
	numbers reassembly.Seq
	clocks  uint32 // timestamps
	ids     uint16 // IPv4 identifications
}

// A path is a 32-bit hash that the decoder made of tunnel headers or of link-layer
// addresses. There are so few of these that somebody can try them all.
type path struct {
	use  string
	hash uint32
}

// maxKept bounds the entries that a Mapper caches: it can always compute them
// again.
const maxKept = 1 << 16

// New returns a Mapper for the key.
func New(key Key) *Mapper {
	m := &Mapper{key: key, pan: newCryptoPAn(key), hosts: map[[16]byte][16]byte{}, paths: map[path]uint32{}}
	m.numbers, m.clocks, m.ids = reassembly.Seq(m.number("sequence", nil)), m.number("timestamps", nil), uint16(m.number("ids", nil))
	return m
}

// Endpoint is the replacement of the endpoint. Ports stay.
func (m *Mapper) Endpoint(e reassembly.Endpoint) reassembly.Endpoint {
	return reassembly.Endpoint{Addr: m.host(e.Addr), Port: e.Port}
}

// Segment rewrites a decoded segment: addresses; sequence numbers, timestamps and IPv4
// identifications, each by one offset; and what identifies its tunnels and link.
func (m *Mapper) Segment(seg *reassembly.Segment) {
	seg.Src.Addr, seg.Dst.Addr = m.host(seg.Src.Addr), m.host(seg.Dst.Addr)
	seg.IPID = shiftID(seg.IPID, m.ids)
	seg.Tunnel, seg.Link = m.path("tunnel", seg.Tunnel), m.link(seg.Link)
	if seg.IsQuote() {
		seg.SetReporter(m.host(seg.Reporter()))
	}
	if !refusal(seg) {
		seg.Seq += m.numbers
	}
	if seg.Flags&reassembly.ACK != 0 {
		seg.Ack += m.numbers
	} else {
		seg.Ack = 0
	}
	o := &seg.Opts
	for i := range o.Blocks[:o.NBlocks] {
		o.Blocks[i].From += m.numbers
		o.Blocks[i].To += m.numbers
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		o.TSVal += m.clocks
		if o.TSEcr != 0 { // 0: nothing was received yet
			o.TSEcr += m.clocks
		}
	}
}

// refusal reports whether the segment is the RST with which a host without a
// connection answers a segment without ACK: its sequence number is zero and
// means nothing (RFC 9293 3.10.7.1).
func refusal(seg *reassembly.Segment) bool {
	return seg.Seq == 0 && seg.Flags&(reassembly.RST|reassembly.ACK) == reassembly.RST|reassembly.ACK
}

// host is the replacement of the address. IPv4 stays IPv4.
func (m *Mapper) host(addr [16]byte) [16]byte {
	if h, ok := m.hosts[addr]; ok {
		return h
	}
	h := addr
	if netip.AddrFrom16(addr).Is4In6() {
		m.pan.apply(h[12:])
	} else {
		m.pan.apply(h[:])
	}
	if len(m.hosts) >= maxKept {
		clear(m.hosts)
	}
	m.hosts[addr] = h
	return h
}

// shiftID moves an IPv4 identification within 1 to 65535. 0 means that there is none,
// and stays. Gaps between a host's identifications stay, except for one step at the
// wrap.
func shiftID(id, by uint16) uint16 {
	if id == 0 {
		return 0
	}
	return uint16((uint32(id)-1+uint32(by))%0xffff) + 1
}

// path replaces a hash of the decoder by a keyed one. 0 means none, and stays.
func (m *Mapper) path(use string, hash uint32) uint32 {
	if hash == 0 {
		return 0
	}
	p := path{use, hash}
	if h, ok := m.paths[p]; ok {
		return h
	}
	h := max(m.number(use+" hash", binary.BigEndian.AppendUint32(nil, hash)), 1)
	if len(m.paths) >= maxKept {
		clear(m.paths)
	}
	m.paths[p] = h
	return h
}

// link replaces the hashes of both link-layer addresses, each by itself: that of the sender tells which device sent the segment.
func (m *Mapper) link(hash uint32) uint32 {
	const half, least = 16, 2 << 8 // no fsm.Device is 0 or 1
	to := m.path("link", hash&(1<<half-1)) >> half
	switch from := hash >> half; from {
	case 0:
	case 1: // see reassembly.Segment.IsRetry
		return m.link(hash&(1<<half-1)) | 1<<half
	default:
		return max(m.path("link", from)>>half, least)<<half | to
	}
	return max(to, min(hash, 1))
}

// vlanID replaces a VLAN identifier by another, each by its own. 0 and 4095 are no
// VLANs (IEEE 802.1Q 9.6), and stay.
func (m *Mapper) vlanID(id uint16) uint16 {
	if m.vlan == nil {
		m.vlan = m.shuffleVLANs()
	}
	return m.vlan[id&0x0fff]
}

func (m *Mapper) shuffleVLANs() []uint16 {
	ids := make([]uint16, 1<<12)
	for i := range ids {
		ids[i] = uint16(i)
	}
	for i := len(ids) - 2; i > 1; i-- { // Fisher and Yates
		j := 1 + m.number("vlan", []byte{byte(i >> 8), byte(i)})%uint32(i)
		ids[i], ids[j] = ids[j], ids[i]
	}
	return ids
}

// TimeShift is by how much the times of all frames are shifted, if times are to be
// replaced: up to ten years, in microseconds. Intervals stay.
func (m *Mapper) TimeShift() time.Duration {
	const years = 10 * 365 * 24 * 3600
	seconds, micros := m.number("seconds", nil)%years, m.number("microseconds", nil)%1e6
	return time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond
}

// Treatment says what becomes of a frame, and what stays as it was.
func Treatment(times bool) string {
	text := "Anonymized: IP and MAC addresses and VLANs replaced (common prefixes of IP addresses stay), sequence numbers, timestamp " +
		"options and IPv4 identifications shifted, tunnels removed, unknown options and payload zeroed. "
	if times {
		return text + "Times are shifted, all by the same amount. Unchanged: ports, lengths, flags, windows and TTLs."
	}
	return text + "Unchanged: ports, lengths, flags, windows, TTLs, and the times of the frames."
}

// hash is a keyed hash of what, different for each use.
func (m *Mapper) hash(use string, what []byte) []byte {
	h := hmac.New(sha256.New, m.key[:])
	h.Write([]byte(use))
	h.Write(what)
	return h.Sum(nil)
}

func (m *Mapper) number(use string, what []byte) uint32 {
	return binary.BigEndian.Uint32(m.hash(use, what))
}
