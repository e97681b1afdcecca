package capture

import (
	"iter"
	"math"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Option codes (pcapng sections 4.2, 4.3, 4.6).
const (
	optName        = 2  // if_name
	optDescription = 3  // if_description
	optResolution  = 9  // if_tsresol
	optOffset      = 14 // if_tsoffset
	optDropCount   = 4  // epb_dropcount
	optEndTime     = 3  // isb_endtime
	optReceived    = 4  // isb_ifrecv
	optIfDrop      = 5  // isb_ifdrop
	optOSDrop      = 7  // isb_osdrop
)

// dropsUnknown is a drop count of the obsolete packet block that is not known.
const dropsUnknown = 0xffff

// maxInterfaces bounds the interfaces of one section.
const maxInterfaces = 1 << 16

// An iface is one interface of a section.
type iface struct {
	resolution
	link     LinkType
	text     bool // frames were rebuilt from text, without what is missing
	missing  reassembly.Missing
	snap     uint32
	packets  uint64 // in this section so far
	lost     uint64 // by the drop counts of its packets
	dropped  uint64 // the larger of lost and what its statistics say
	received ifReceived
}

// ifReceived is the part of an interface statistics block that says when the
// capture ended.
type ifReceived struct {
	packets  uint64
	end      int64 // nanoseconds since 1970, 0 if not stated
	known    bool  // packets was stated
	complete bool  // the section has as many packets up to the block
}

// close learns from the interface statistics when the capture ended. It went on
// in silence until isb_endtime if every interface received as many packets as
// the section has. Otherwise somebody saved a part of a longer capture, and what
// else came before that time is unknown.
func (n *pcapng) close() {
	var end int64
	for i := range n.interfaces {
		t := &n.interfaces[i]
		if !t.received.known {
			continue
		}
		if !t.received.complete && t.received.packets != t.packets {
			return
		}
		end = max(end, t.received.end)
	}
	if end != 0 {
		end = n.clock.shifted(end)
		n.info.End = max(n.info.End, end)
		n.clock.state(end)
	}
}

// describe reads an interface description block.
func (n *pcapng) describe(size uint32) error {
	const head = 16
	b, err := n.whole(size, head)
	if err != nil {
		return err
	}
	if len(n.interfaces) == maxInterfaces {
		return n.damage("more than %d interfaces", maxInterfaces)
	}
	t := iface{resolution: microseconds, link: LinkType(n.order.u16(b[8:])), snap: n.order.u32(b[12:])}
	offset, name := int64(0), ""
	for code, value := range n.options(b[head : size-4]) {
		switch {
		case code == optDescription:
			t.text, t.missing = missingFrom(string(value))
		case code == optResolution && len(value) >= 1:
			t.resolution = newResolution(value[0])
		case code == optOffset && len(value) >= 8:
			offset = int64(n.order.u64(value))
		case code == optName:
			name = strings.TrimRight(string(value), "\x00") // some writers end it as C does
		}
	}
	t.setOffset(offset)
	n.interfaces = append(n.interfaces, t)
	n.clock.several = len(n.interfaces) > 1
	n.info.carries(t.link)
	n.info.describe(t.snap, name)
	n.off += int(size)
	return nil
}

// statistics reads an interface statistics block. Its counts run from the start
// of the capture, so a later block replaces an earlier one.
func (n *pcapng) statistics(size uint32) error {
	const head = 20
	b, err := n.whole(size, head)
	if err != nil {
		return err
	}
	id := n.order.u32(b[8:])
	if id >= uint32(len(n.interfaces)) {
		return n.damage("statistics of interface %d, of %d described", id, len(n.interfaces))
	}
	t := &n.interfaces[id]
	var r ifReceived
	var dropped uint64
	for code, value := range n.options(b[head : size-4]) {
		if len(value) < 8 {
			continue
		}
		switch code {
		case optEndTime:
			r.end = n.endTime(t, uint64(n.order.u32(value))<<32|uint64(n.order.u32(value[4:])))
		case optReceived:
			r.packets, r.known = n.order.u64(value), true
		case optIfDrop, optOSDrop:
			dropped = addSaturated(dropped, n.order.u64(value))
		}
	}
	r.complete = r.known && r.packets == t.packets
	t.received = r
	t.countDrops(dropped, n.info)
	n.off += int(size)
	return nil
}

// endTime reads isb_endtime. dumpcap (seen: 4.0) always writes it in microseconds,
// although the resolution of its own interfaces is 10^-9. Read by the standard,
// such a capture ended in January 1970.
func (n *pcapng) endTime(t *iface, stamp uint64) int64 {
	end := t.time(stamp)
	micro := microseconds
	micro.offset = t.offset
	if end < n.last/2 && micro.time(stamp) >= n.last {
		return micro.time(stamp)
	}
	return end
}

// nanoseconds makes them the unit of an interface whose first packet shows that they are: in the
// microseconds that it states, or that one has which states none, it would be thousands of years ahead.
func (n *pcapng) nanoseconds(t *iface, stamp uint64) {
	nano := newResolution(9)
	if nano.offset = t.offset; t.mul != microseconds.mul || t.div != 1 || t.shift != 0 || nano.time(stamp) == maxTime {
		return
	}
	t.resolution, n.last = nano, nano.time(stamp)
	n.info.warn(&n.info.warnedUnit, "times are said to be in microseconds, but lie thousands of years ahead: they are read as nanoseconds")
}

// dropCount looks for epb_dropcount in a packet's options.
func (n *pcapng) dropCount(t *iface, options []byte) {
	for code, value := range n.options(options) {
		if code == optDropCount && len(value) >= 8 {
			t.lose(n.order.u64(value), n.info)
		}
	}
}

// lose counts packets that were lost just before one that was captured.
func (t *iface) lose(count uint64, info *Info) {
	t.lost = addSaturated(t.lost, count)
	t.countDrops(t.lost, info)
}

// countDrops adds a total of the interface's losses. Packets and statistics may
// both report the same loss, so the larger total counts.
func (t *iface) countDrops(total uint64, info *Info) {
	if total > t.dropped {
		info.Drops = addSaturated(info.Drops, total-t.dropped)
		t.dropped = total
	}
}

// addSaturated is a+b, or the largest number if that does not fit: a file may claim
// any counts.
func addSaturated(a, b uint64) uint64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxUint64
}

// options yields the options of a block up to the end mark, or to an option that
// claims more bytes than there are.
func (n *pcapng) options(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, size := n.order.u16(b), int(n.order.u16(b[2:]))
			b = b[4:]
			if code == 0 || size > len(b) {
				return
			}
			if !yield(code, b[:size]) {
				return
			}
			b = b[min((size+3)&^3, len(b)):]
		}
	}
}
