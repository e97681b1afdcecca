package capture

import (
	"fmt"
	"time"
)

// Some writers store nanoseconds under the magic number of microseconds: libpcap's own
// knew no other until 1.5. What such a file says of its unit is then in its fractions.

const (
	// maxCarry is the largest fraction, in microseconds, that a writer makes which adds an
	// offset to a time and carries nothing.
	maxCarry = 2e6
	// unitRecords is how many records may pass before the unit is certain. Each of a thousand
	// that were recorded in nanoseconds shows it, but for those of a second's first millisecond.
	unitRecords = 1000
	// digits is what has fractions of seven digits: Python prints no more of a time since 1970.
	digits = 1e7
	// digitSeconds is how many seconds must have such fractions, and none larger: by chance,
	// one time in a hundred is in a second's first ten milliseconds.
	digitSeconds = 3
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
	seconds, latest := 0, uint32(0)                        // of those whose fraction is a second or more
	for off := p.off; n < unitRecords && off+p.head <= p.end; n++ {
		h := p.buf[off:]
		sec, frac := p.order.u32(h), p.order.u32(h[4:])
		size, wire := p.sizes(h)
		if frac >= 1e9 || size > min(p.snap, wire, maxFrame) {
			break // damage, for next to find
		}
		if largest = max(largest, frac); frac >= 1e6 {
			beyond++
			if sec != latest {
				seconds, latest = seconds+1, sec
			}
		} else {
			spread = spread || within != 0 && within != sec
			within = sec
		}
		off += p.head + int(size)
	}
	p.looked = n
	switch {
	case largest >= maxCarry && largest < digits && 2*beyond >= n && seconds >= digitSeconds:
		p.decimals()
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

// decimals are the digits behind the point of a time as Python prints it, of which programs make
// an integer: zeros before and behind them are lost.
func (p *pcap) decimals() {
	p.second, p.unit, p.usual, p.lost = digits, int64(time.Second)/digits, false, true
	p.info.Warnings = append(p.info.Warnings,
		"times are said to be in microseconds, but have the seven decimals of a printed number as fractions, without zeros before and behind them: they are read as the earliest times that do not go back")
}

// withZeros is the smallest fraction with these digits that does not lie before the last one.
func (p *pcap) withZeros(sec, frac uint32) uint32 {
	for p.latest.sec == sec && frac < p.latest.frac && frac > 0 && frac < digits/10 {
		frac *= 10
	}
	if sec > p.latest.sec || sec == p.latest.sec && frac > p.latest.frac {
		p.latest.sec, p.latest.frac = sec, frac
	}
	return frac
}
