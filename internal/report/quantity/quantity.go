// Package quantity prints numbers and times as people read them.
package quantity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Thousands is 1,234,567.
func Thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Count is "1 frame", "2 frames".
func Count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Thousands(n) + " " + noun + "s"
}

// Seconds is nanoseconds as seconds with six decimals, as tcpdump -ttttt and
// Wireshark print the time since the first frame.
func Seconds(ns int64) string {
	return strconv.FormatFloat(float64(ns)/1e9, 'f', 6, 64)
}

// Duration is nanoseconds as "0.25 ms", "53.2 s", "2 min 3 s", "3 h 5 min" or
// "11 d 4 h": three digits are enough for a sentence.
func Duration(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < 0:
		return "-" + Duration(-max(ns, -math.MaxInt64)) // the smallest one cannot be negated
	case d < time.Second:
		return Decimal(float64(d)/1e6) + " ms"
	case d < 2*time.Minute:
		return Decimal(d.Seconds()) + " s"
	case d < 2*time.Hour:
		return units(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return units(d, time.Hour, "h", time.Minute, "min")
	}
	return units(d, 24*time.Hour, "d", time.Hour, "h")
}

// units is a duration in two units, rounded as detectors.Span rounds it; the small one is omitted if it is zero.
func units(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	d = d.Round(small)
	whole := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		return fmt.Sprintf("%s %d %s", whole, rest, smallName)
	}
	return whole
}

// Decimal rounds to three significant digits, and from 100 on to whole numbers.
func Decimal(v float64) string {
	digits := 2
	for whole := math.Abs(v); whole >= 10 && digits > 0; whole /= 10 {
		digits--
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Instant is nanoseconds since 1970 as a UTC time with microseconds.
func Instant(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000000 UTC")
}
