package capture

import "iter"

// Option codes (pcapng sections 4.2, 4.3, 4.6).
const (
	optResolution = 9  // if_tsresol
	optOffset     = 14 // if_tsoffset
	optDropCount  = 4  // epb_dropcount
	optEndTime    = 3  // isb_endtime
	optReceived   = 4  // isb_ifrecv
	optIfDrop     = 5  // isb_ifdrop
	optOSDrop     = 7  // isb_osdrop
)

// dropsUnknown in the obsolete packet block's drop count means what it says.
const dropsUnknown = 0xffff

// maxTaps bounds the interfaces of one section.
const maxTaps = 1 << 16

// A tap is one interface of a section.
type tap struct {
	resolution
	link    LinkType
	snap    uint32
	packets uint64 // in this section so far
	lost    uint64 // by the drop counts of its packets
	dropped uint64 // the same or more, as its statistics say
	account account
}

// An account is an interface's statistics block as far as it bears on the end
// of the trace.
type account struct {
	received uint64
	end      int64 // nanoseconds since 1970, 0 if not stated
	known    bool  // received was stated
	squares  bool  // received was the packets of the section up to the block
}

// A section holds the interfaces of the current pcapng section.
type section struct{ all []tap }

func (s *section) reset() { s.all = s.all[:0] }

// close learns from the interface statistics when the capture ended: it went on
// in silence until isb_endtime if every interface received as many packets as
// the section holds. Otherwise somebody saved a selection of a longer capture,
// and what else came before that time is not known.
func (s *section) close(info *Info, clock *clock) {
	var end int64
	for i := range s.all {
		t := &s.all[i]
		if !t.account.known {
			continue
		}
		if !t.account.squares && t.account.received != t.packets {
			return
		}
		end = max(end, t.account.end)
	}
	if end != 0 {
		info.End = max(info.End, end)
		clock.state(end)
	}
}

// describe reads an interface description block.
func (n *pcapng) describe(size uint32) error {
	const head = 16
	b, err := n.whole(size, head)
	if err != nil {
		return err
	}
	if len(n.taps.all) == maxTaps {
		return n.damage("more than %d interfaces", maxTaps)
	}
	t := tap{resolution: microseconds, link: LinkType(n.order.u16(b[8:])), snap: n.order.u32(b[12:])}
	offset := int64(0)
	for code, value := range n.options(b[head : size-4]) {
		switch {
		case code == optResolution && len(value) >= 1:
			t.resolution = newResolution(value[0])
		case code == optOffset && len(value) >= 8:
			offset = int64(n.order.u64(value))
		}
	}
	t.setOffset(offset)
	n.taps.all = append(n.taps.all, t)
	n.clock.several = len(n.taps.all) > 1
	n.info.carries(t.link)
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
	if id >= uint32(len(n.taps.all)) {
		return n.damage("statistics of interface %d, of %d described", id, len(n.taps.all))
	}
	t := &n.taps.all[id]
	var a account
	var dropped uint64
	for code, value := range n.options(b[head : size-4]) {
		if len(value) < 8 {
			continue
		}
		switch code {
		case optEndTime:
			a.end = n.endTime(t, uint64(n.order.u32(value))<<32|uint64(n.order.u32(value[4:])))
		case optReceived:
			a.received, a.known = n.order.u64(value), true
		case optIfDrop, optOSDrop:
			dropped += n.order.u64(value)
		}
	}
	a.squares = a.known && a.received == t.packets
	t.account = a
	t.tellDrops(dropped, n.info)
	n.off += int(size)
	return nil
}

// endTime reads isb_endtime. dumpcap (seen: 4.0) writes it in microseconds
// whatever the interface's resolution is, which is 10^-9 for its own captures;
// read as it should be, such a capture ended in January 1970.
func (n *pcapng) endTime(t *tap, stamp uint64) int64 {
	end := t.time(stamp)
	micro := microseconds
	micro.offset = t.offset
	if end < n.last/2 && micro.time(stamp) >= n.last {
		return micro.time(stamp)
	}
	return end
}

// dropCount looks for epb_dropcount in a packet's options.
func (n *pcapng) dropCount(t *tap, options []byte) {
	for code, value := range n.options(options) {
		if code == optDropCount && len(value) >= 8 {
			t.lose(n.order.u64(value), n.info)
		}
	}
}

// lose counts packets lost just before one that was captured.
func (t *tap) lose(count uint64, info *Info) {
	t.lost += count
	t.tellDrops(t.lost, info)
}

// tellDrops takes a total of the interface's losses. Packets and statistics may
// both tell of the same loss, so the larger total counts.
func (t *tap) tellDrops(total uint64, info *Info) {
	if total > t.dropped {
		info.Drops += total - t.dropped
		t.dropped = total
	}
}

// options goes through the options of a block up to the end mark, or to where
// one claims more than there is.
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
