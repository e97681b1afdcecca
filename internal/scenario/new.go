package scenario

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Conn is a captured connection, for New.
type Conn struct {
	Ends [2]reassembly.Endpoint // client and server
	ISN  [2]reassembly.Seq      // their sequence numbers are written relative to these
	Segs []reassembly.Segment   // in the order of the capture
}

// New makes a trace of captured connections, to be pasted into a ticket. It
// replaces IP addresses, tags and link-layer addresses consistently by small
// ones. Ports, times, sequence numbers and IP identifications stay. The hosts of
// the first connection are client and server, of the next client2 and server2.
// The trace ends at end, nanoseconds since 1970, or with its last segment.
func New(conns []Conn, end int64) *Trace {
	t := &Trace{Start: defaultStart}
	r := renamer{addrs: map[[16]byte]netip.Addr{}, tunnels: order{0: 0}, links: map[[2]reassembly.Endpoint]order{}}
	r.keepIPv6 = slices.ContainsFunc(conns, func(c Conn) bool {
		return slices.ContainsFunc(c.Segs, func(s reassembly.Segment) bool { return s.IsQuote() })
	})
	for i := range conns {
		t.Hosts = append(t.Hosts, r.host("client", i, conns[i].Ends[0]), r.host("server", i, conns[i].Ends[1]))
	}
	if len(conns) == 0 {
		t.Hosts = defaultHosts()
	}
	sent := make([]bool, len(t.Hosts))
	last := int64(math.MinInt64)
	for _, c := range inOrder(conns) {
		l := c.line(&conns[c.conn])
		r.segment(&l.Seg)
		if l.Seg.IsQuote() {
			l.Seg.SetReporter(r.addr(l.Seg.Reporter()).As16())
		}
		from := &t.Hosts[l.From]
		l.Seg.Src, l.Seg.Dst = from.Addr, t.Hosts[l.To].Addr
		l.Seg.File, l.Seg.Frame = 0, uint32(len(t.Lines)+1)
		if l.Seg.IsQuote() {
			// The attributes are those of a packet that was sent before.
		} else if !sent[l.From] {
			sent[l.From] = true
			from.Attrs = attrsOf(&l.Seg)
		} else if from.ID == 0 {
			from.ID = l.Seg.IPID // many stacks begin to count after the SYN
		}
		if len(t.Lines) == 0 {
			t.Start = l.Seg.At
		}
		t.Start, last = min(t.Start, l.Seg.At), max(last, l.Seg.At)
		t.Lines = append(t.Lines, l)
	}
	if end > last && end >= t.Start {
		t.End = end
		t.Lines = append(t.Lines, Line{Seg: reassembly.Segment{At: end}, End: true})
	}
	return t
}

// A captured is a segment, with its place among those of all connections.
type captured struct {
	conn int
	at   int64 // its time, or that of a later segment captured before it
	seg  *reassembly.Segment
}

// inOrder merges the connections by time, each in its own order.
func inOrder(conns []Conn) []captured {
	var all []captured
	for i := range conns {
		at := int64(math.MinInt64)
		for j := range conns[i].Segs {
			seg := &conns[i].Segs[j]
			at = max(at, seg.At)
			all = append(all, captured{conn: i, at: at, seg: seg})
		}
	}
	sorting.Stable(all, func(x, y captured) int { return cmp.Compare(x.at, y.at) })
	return all
}

// line is the segment's line, as captured.
func (t *captured) line(c *Conn) Line {
	from := 0
	if t.seg.Src != c.Ends[0] {
		from = 1
	}
	return Line{
		Seg: *t.seg, Captured: true,
		From: 2*t.conn + from, To: 2*t.conn + 1 - from,
		SeqBase: c.ISN[from], AckBase: c.ISN[1-from],
	}
}

// A renamer replaces what identifies a real network by small numbers,
// consistently.
type renamer struct {
	keepIPv6 bool // ICMP and ICMPv6 differ in what errors say

	addrs   map[[16]byte]netip.Addr
	tunnels order
	links   map[[2]reassembly.Endpoint]order // by direction
}

// order numbers values in the order in which they appear.
type order map[uint32]uint32

func (o order) number(value uint32) uint32 {
	n, ok := o[value]
	if !ok {
		n = uint32(len(o))
		o[value] = n
	}
	return n
}

// host is one end of the n-th connection, from 0.
func (r *renamer) host(name string, n int, end reassembly.Endpoint) Host {
	addr := r.addr(end.Addr)
	if n > 0 {
		name = fmt.Sprint(name, n+1)
	}
	return newHost(name, reassembly.EndpointFrom(netip.AddrPortFrom(addr, end.Port)))
}

// addr is the address in place of another one. IPv6 becomes IPv4 without
// identifications, unless it is to be kept.
func (r *renamer) addr(of [16]byte) netip.Addr {
	addr, ok := r.addrs[of]
	if !ok {
		n := len(r.addrs) + 1
		addr = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		if r.keepIPv6 && !netip.AddrFrom16(of).Is4In6() {
			addr = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}) // RFC 3849
		}
		r.addrs[of] = addr
	}
	return addr
}

// segment renames a captured segment.
func (r *renamer) segment(seg *reassembly.Segment) {
	direction := [2]reassembly.Endpoint{seg.Src, seg.Dst}
	if seg.IsQuote() {
		direction = [2]reassembly.Endpoint{{Addr: seg.Reporter()}, seg.Src}
	}
	if r.links[direction] == nil {
		r.links[direction] = order{}
	}
	seg.Link = min(1+r.links[direction].number(seg.Link), math.MaxUint16)
	seg.Tunnel = min(r.tunnels.number(seg.Tunnel), maxVLAN)
	if !seg.Flags.Has(reassembly.ACK) {
		seg.Ack = 0
	}
	if packet.OptionBytes(&seg.Opts) > packet.MaxOptions {
		seg.Opts.Has &^= reassembly.OptionsMalformed // in the very last byte
	}
}
