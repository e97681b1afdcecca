package capture

import "fmt"

// Some writers store nanoseconds under the magic number of microseconds: libpcap's own
// knew no other until 1.5. What such a file says of its unit is then in its fractions.

const (
	// maxCarry is the largest fraction, in microseconds, that a writer makes which adds an
	// offset to a time and carries nothing.
	maxCarry = 2e6
	// unitRecords is how many records may pass before the unit is certain. Each of a thousand
	// that were recorded in nanoseconds shows it, but for those of a second's first millisecond.
	unitRecords = 1000
)

// chooseUnit chooses the unit of the fractions before the first record is read, by all
// that are in the block.
func (p *pcap) chooseUnit() {
	p.second = 1e6
	if p.unit == 1 {
		p.second = 1e9
		return
	}
	n, beyond := 0, 0                                      // records, and those whose fraction is a second or more
	largest, within, spread := uint32(0), uint32(0), false // the second of the others; they are of several
	for off := p.off; n < unitRecords && off+p.head <= p.end; n++ {
		h := p.buf[off:]
		sec, frac := p.order.u32(h), p.order.u32(h[4:])
		size, wire := p.sizes(h)
		if frac >= 1e9 || size > min(p.snap, wire, MaxFrame) {
			break // damage, for next to find
		}
		if largest = max(largest, frac); frac >= 1e6 {
			beyond++
		} else {
			spread = spread || within != 0 && within != sec
			within = sec
		}
		off += p.head + int(size)
	}
	p.looked = n
	switch {
	case largest >= maxCarry && (2*beyond >= n || !spread): // else one is wrong among others that cannot all be of a first millisecond
		p.nanoseconds(largest)
	case n > 0 && beyond == n:
		p.nanoseconds(1e6)
	}
}

// reviewUnit looks at a fraction of a second or more again: where records come one by one,
// the first may have been of a second's first millisecond.
func (p *pcap) reviewUnit(frac uint32) {
	if p.unit == 1e3 && int(p.num) >= p.looked && p.num < unitRecords && frac >= maxCarry && frac < 1e9 {
		p.nanoseconds(frac)
	}
}

// nanoseconds makes them the unit, because of a fraction.
func (p *pcap) nanoseconds(frac uint32) {
	p.second, p.unit = 1e9, 1
	p.info.Warnings = append(p.info.Warnings,
		fmt.Sprintf("times are said to be in microseconds, but have fractions of %d and more: they are read as nanoseconds", frac))
}
