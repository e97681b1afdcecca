package capture

import (
	"math"
	"math/bits"
)

// maxTime is the latest time there can be, in nanoseconds since 1970: the year
// 2116. Later timestamps read as this one, and those before 1970 as 1970, so that
// durations can be added to any time without overflow.
const maxTime = 1<<62 - 1

// A resolution turns an interface's timestamps into nanoseconds: times mul,
// shifted right, divided by div. It uses integers, so that half a second in units
// of 2^-20 is .500000000, and never divides by zero.
type resolution struct {
	mul, div uint64
	shift    uint8
	offset   int64 // nanoseconds to add, from if_tsoffset
}

// microseconds is the resolution of an interface that states none.
var microseconds = resolution{mul: 1e3, div: 1}

// newResolution reads if_tsresol: a negative power of ten, or with the top bit
// set, of two (pcapng section 4.2).
func newResolution(tsresol uint8) resolution {
	const binary, nano = 0x80, 9
	power := tsresol &^ binary
	switch {
	case tsresol&binary != 0:
		return resolution{mul: 1e9, div: 1, shift: power}
	case power <= nano:
		return resolution{mul: pow10(nano - power), div: 1}
	default:
		return resolution{mul: 1, div: pow10(power - nano)}
	}
}

// pow10 is 10^n, or the largest uint64.
func pow10(n uint8) uint64 {
	if n > 19 {
		return math.MaxUint64
	}
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// setOffset reads if_tsoffset, in seconds.
func (r *resolution) setOffset(seconds int64) {
	const limit = maxTime / 1_000_000_000
	r.offset = min(max(seconds, -limit), limit) * 1_000_000_000
}

// time is a timestamp in nanoseconds since 1970, within 0..maxTime.
func (r *resolution) time(stamp uint64) int64 {
	hi, lo := bits.Mul64(stamp, r.mul)
	if r.shift != 0 {
		hi, lo = shiftRight(hi, lo, r.shift)
	}
	if hi != 0 {
		lo = math.MaxUint64
	}
	if r.div != 1 {
		lo /= r.div
	}
	at := int64(min(lo, maxTime)) + r.offset
	return min(max(at, 0), maxTime)
}

// shiftRight is the 128-bit hi:lo without its last n bits.
func shiftRight(hi, lo uint64, n uint8) (uint64, uint64) {
	if n >= 64 {
		return 0, hi >> (n - 64)
	}
	return hi >> n, hi<<(64-n) | lo>>n
}
