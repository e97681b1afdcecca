package scenario

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Conn is a captured connection that is to be written down.
type Conn struct {
	Ends [2]reassembly.Endpoint // who becomes client, who server
	ISN  [2]reassembly.Seq      // what their sequence numbers are written relative to
	Segs []reassembly.Segment   // in the order of the capture
}

// New makes a trace of captured connections, to be pasted into a ticket. IP
// addresses, tags and link-layer addresses are replaced by small ones of the
// notation, consistently; ports, times, sequence numbers and IP
// identifications stay. The first connection is one of client and server, the
// next of client2 and server2. The trace ends at end, nanoseconds since 1970,
// or with its last segment.
func New(conns []Conn, end int64) *Trace {
	t := &Trace{Start: defaultStart}
	r := renamer{addrs: map[[16]byte]netip.Addr{}, tunnels: order{0: 0}, links: map[[2]reassembly.Endpoint]order{}}
	for i := range conns {
		t.Hosts = append(t.Hosts, r.host("client", i, conns[i].Ends[0]), r.host("server", i, conns[i].Ends[1]))
	}
	if len(conns) == 0 {
		t.Hosts = defaultHosts()
	}
	spoke := make([]bool, len(t.Hosts))
	last := int64(math.MinInt64)
	for _, c := range inOrder(conns) {
		l := c.line(&conns[c.conn])
		r.rename(&l.Seg)
		from := &t.Hosts[l.From]
		l.Seg.Src, l.Seg.Dst = from.Addr, t.Hosts[l.To].Addr
		l.Seg.File, l.Seg.Frame = 0, uint32(len(t.Lines)+1)
		if !spoke[l.From] {
			spoke[l.From] = true
			from.Attrs = attrsOf(&l.Seg)
		} else if from.ID == 0 {
			from.ID = l.Seg.IPID // many stacks begin to count behind the SYN
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

// A turn is a segment's place among those of all connections.
type turn struct {
	conn int
	due  int64 // its time, or that of a later segment captured before it
	seg  *reassembly.Segment
}

// inOrder merges the connections by time, each in its own order.
func inOrder(conns []Conn) []turn {
	var turns []turn
	for i := range conns {
		due := int64(math.MinInt64)
		for j := range conns[i].Segs {
			seg := &conns[i].Segs[j]
			due = max(due, seg.At)
			turns = append(turns, turn{conn: i, due: due, seg: seg})
		}
	}
	slices.SortStableFunc(turns, func(x, y turn) int { return cmp.Compare(x.due, y.due) })
	return turns
}

// line is the segment's line, with all that is as captured.
func (t *turn) line(c *Conn) Line {
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

// A renamer replaces what tells of a real network by small numbers, the same
// for the same.
type renamer struct {
	addrs   map[[16]byte]netip.Addr
	tunnels order
	links   map[[2]reassembly.Endpoint]order // by direction
}

// order numbers values as they come up.
type order map[uint32]uint32

func (o order) number(value uint32) uint32 {
	n, ok := o[value]
	if !ok {
		n = uint32(len(o))
		o[value] = n
	}
	return n
}

// host is one end of the n-th connection, from 0. IPv6 becomes IPv4 without
// identifications.
func (r *renamer) host(name string, n int, end reassembly.Endpoint) Host {
	addr, ok := r.addrs[end.Addr]
	if !ok {
		n := len(r.addrs) + 1
		addr = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		r.addrs[end.Addr] = addr
	}
	if n > 0 {
		name = fmt.Sprint(name, n+1)
	}
	return newHost(name, reassembly.EndpointFrom(netip.AddrPortFrom(addr, end.Port)))
}

// rename takes the segment as captured.
func (r *renamer) rename(seg *reassembly.Segment) {
	direction := [2]reassembly.Endpoint{seg.Src, seg.Dst}
	if r.links[direction] == nil {
		r.links[direction] = order{}
	}
	seg.Link = min(1+r.links[direction].number(seg.Link), math.MaxUint16)
	seg.Tunnel = min(r.tunnels.number(seg.Tunnel), maxVLAN)
	if !seg.Flags.Has(reassembly.ACK) {
		seg.Ack = 0
	}
	if packet.OptionBytes(&seg.Opts) > packet.MaxOptions {
		seg.Opts.Has &^= reassembly.OptionsMalformed // a lie in the very last byte
	}
}
