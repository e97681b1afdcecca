package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// Quantities as people read them. Programs read the other formats.

// thousands is 1,234,567.
func thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count is "1 frame", "2 frames".
func count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// offset is a time since the trace began, in seconds with microseconds: what
// tcpdump -ttttt and Wireshark show.
func offset(ns int64) string {
	return strconv.FormatFloat(float64(ns)/1e9, 'f', 6, 64)
}

// duration is "0.25 ms", "53.2 s", "2 min 3 s", "3 h 5 min" or "11 d 4 h": three
// digits are enough for a sentence.
func duration(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d < 0:
		return "-" + duration(-max(ns, -math.MaxInt64)) // the least of all has no opposite
	case d < time.Second:
		return decimal(float64(d)/1e6) + " ms"
	case d < 2*time.Minute:
		return decimal(d.Seconds()) + " s"
	case d < 2*time.Hour:
		return units(d, time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return units(d, time.Hour, "h", time.Minute, "min")
	}
	return units(d, 24*time.Hour, "d", time.Hour, "h")
}

// units is a duration in two units, the small one left out if it is none.
func units(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	whole := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		return fmt.Sprintf("%s %d %s", whole, rest, smallName)
	}
	return whole
}

// decimal rounds to three significant digits, and whole numbers beyond.
func decimal(v float64) string {
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

// instant is an absolute time for people, to the microsecond.
func instant(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000000 UTC")
}

// measured is "probes 9, first interval 0.21 s": the metrics in words.
func measured(metrics []detectors.Metric) string {
	parts := make([]string, len(metrics))
	for i, m := range metrics {
		parts[i] = metric(m)
	}
	return strings.Join(parts, ", ")
}

// metric is one metric in words. Its name tells its unit: _s is seconds.
func metric(m detectors.Metric) string {
	name, isSeconds := strings.CutSuffix(m.Name, "_s")
	name = strings.ReplaceAll(name, "_", " ")
	switch v := m.Value.(type) {
	case int:
		if v >= 0 {
			return name + " " + thousands(uint64(v))
		}
	case float64:
		if isSeconds {
			return name + " " + duration(int64(v*1e9))
		}
		return name + " " + decimal(v)
	}
	return fmt.Sprintf("%s %v", name, m.Value)
}
