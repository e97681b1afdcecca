package decode

import (
	"math/bits"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	// maxDatagrams is how many datagrams may wait for fragments at a time.
	maxDatagrams = 256

	// fragmentTimeout is how long a datagram waits for its fragments, in
	// nanoseconds of trace time: as in Linux (net.ipv4.ipfrag_time). RFC 8200 4.5
	// has 60 s.
	fragmentTimeout = 30e9

	// maxIPPayload bounds where a fragment may end. RFC 791 3.1.
	maxIPPayload = 0xffff
)

// A fragment is what the IP header of a fragment says about the datagram.
type fragment struct {
	id       uint32
	protocol uint8
	more     bool   // not the last
	reason   Reason // while the datagram is incomplete
	offset   int    // in bytes
}

// fragment reads a packet that is part of a datagram and whose payload begins at
// b.
//
// A TCP segment is put together, but only its header and its length are kept; the
// frame that completes it stands for all of it. A tunnel is read from its first
// fragment, because the inner IP header states its own length. Other fragments
// are not TCP.
func (d *Decoder) fragment(f fragment, b []byte, wire int, seg *reassembly.Segment) Reason {
	switch {
	case wire == 0 || f.offset+wire > maxIPPayload || f.more && wire%8 != 0:
		return MalformedIP
	case f.protocol == protoTCP:
		return d.assemble(f, b, wire, seg)
	case isExtension(f.protocol):
		return f.reason // a fragmented header chain, which RFC 7112 forbids
	case f.offset == 0:
		return d.payload(f.protocol, b, wire, seg)
	}
	return NotTCP
}

// assemble adds a fragment of a TCP segment to the others, and reads the segment
// when it is complete.
func (d *Decoder) assemble(f fragment, b []byte, wire int, seg *reassembly.Segment) Reason {
	if d.fragments == nil {
		d.fragments = new(fragments)
	}
	g := d.fragments.find(datagramKey{seg.Src.Addr, seg.Dst.Addr, f.id, seg.Tunnel}, d.at)
	g.add(f.offset, wire, !f.more, b)
	if !g.complete() {
		return f.reason
	}
	g.waiting = false
	return d.tcp(g.captured(), g.length, seg)
}

// A datagramKey identifies a datagram, all of which are TCP (RFC 791 3.2). It has
// the tunnel because address spaces may overlap.
type datagramKey struct {
	src, dst   [16]byte
	id, tunnel uint32
}

// fragments are the incomplete datagrams.
type fragments [maxDatagrams]datagram

// find returns the datagram of key, if it has waited for less than the timeout, or
// a new one. If there is no free slot, that replaces the one waiting longest.
func (t *fragments) find(key datagramKey, at int64) *datagram {
	oldest := &t[0]
	for i := range t {
		g := &t[i]
		if g.waiting && g.key == key && at-g.since < fragmentTimeout {
			return g
		}
		if oldest.waiting && (!g.waiting || g.since < oldest.since) {
			oldest = g
		}
	}
	*oldest = datagram{key: key, since: at, waiting: true, length: unknown}
	return oldest
}

// unknown is the length of a datagram before its last fragment has come.
const unknown = -1

// A span is bytes of a datagram, [from, to).
type span struct{ from, to int }

// A datagram is the payload of an IP packet that came in fragments.
type datagram struct {
	key     datagramKey
	since   int64 // when its first fragment came
	waiting bool  // for more fragments; otherwise the slot is free
	broken  bool  // its fragments contradict each other, or there are too many gaps

	length int     // in all, or unknown
	spans  [8]span // what has come, in order; spans do not touch
	n      int     // number of spans

	header [60]byte // the first bytes, as many as a TCP header can have
	held   uint64   // bit i: header[i] was captured
}

// add adds a fragment of wire bytes at offset, of which b was captured. A duplicate
// fragment changes nothing. A fragment that partly overlaps another breaks the
// datagram, as in RFC 5722 4.
func (g *datagram) add(offset, wire int, last bool, b []byte) {
	s := span{offset, offset + wire}
	if last && g.length == unknown {
		g.length = s.to
	}
	if g.length != unknown && (s.to > g.length || last && s.to != g.length || g.n > 0 && g.spans[g.n-1].to > g.length) {
		g.broken = true
	}
	if g.broken || !g.insert(s) {
		return
	}
	if s.from < len(g.header) {
		n := copy(g.header[s.from:], b)
		g.held |= (1<<n - 1) << s.from
	}
}

// insert adds s to the spans and reports whether all of it is new.
func (g *datagram) insert(s span) bool {
	i := 0
	for i < g.n && g.spans[i].to < s.from {
		i++
	}
	// spans[i] is the first that touches s or comes after it.
	switch {
	case i < g.n && g.spans[i].from <= s.from && s.to <= g.spans[i].to:
		return false
	case i < g.n && g.spans[i].to == s.from: // s continues it
		if i+1 < g.n && g.spans[i+1].from < s.to {
			g.broken = true
			return false
		}
		g.spans[i].to = s.to
		if i+1 < g.n && g.spans[i+1].from == s.to { // and closes the gap
			g.spans[i].to = g.spans[i+1].to
			g.n--
			copy(g.spans[i+1:g.n], g.spans[i+2:])
		}
	case i < g.n && g.spans[i].from == s.to: // s precedes it
		g.spans[i].from = s.from
	case i < g.n && g.spans[i].from < s.to, g.n == len(g.spans):
		g.broken = true
		return false
	default:
		copy(g.spans[i+1:g.n+1], g.spans[i:g.n])
		g.spans[i] = s
		g.n++
	}
	return true
}

func (g *datagram) complete() bool {
	return !g.broken && g.n == 1 && g.spans[0] == span{0, g.length}
}

// captured returns the first bytes of the datagram, as far as the capture has
// them without a gap.
func (g *datagram) captured() []byte {
	return g.header[:bits.TrailingZeros64(^g.held)]
}
