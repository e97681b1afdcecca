package textcap

import (
	"strconv"
	"strings"
	"time"
)

// A stamp is a time as printed, in nanoseconds since what its kind says.
type stamp struct {
	kind  stampKind
	nanos int64
}

type stampKind uint8

const (
	noStamp   stampKind = iota
	fromDate            // since 1970: tcpdump -tt and -tttt
	fromClock           // since midnight, or since a packet: tcpdump, -ttt and -ttttt print alike
	fromStart           // since a packet, in seconds
	fromYear            // since the first of January: OpenBSD's tcpdump, logs
)

// epochFrom tells seconds since 1970 from those since a packet: nobody captures
// for three years.
const epochFrom = 100_000_000

// cutStamp reads the time that a line begins with.
func cutStamp(line string) (s stamp, rest string) {
	if s, rest, exact := cutMonth(line); exact {
		return s, rest
	}
	word, rest := cutWord(line)
	if day, ok := parseDate(word); ok {
		clock, after := cutWord(rest)
		if at, ok := parseClock(clock); ok {
			return stamp{fromDate, day + at}, after
		}
		return stamp{}, line
	}
	if day, clock, ok := strings.Cut(word, "T"); ok { // ISO 8601
		if date, ok := parseDate(day); ok {
			if at, ok := parseClock(strings.TrimSuffix(clock, "Z")); ok {
				return stamp{fromDate, date + at}, rest
			}
		}
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
			if t, err := time.Parse(layout, word); err == nil && t.Year() >= 1970 && t.Year() <= 2100 {
				return stamp{fromDate, t.UnixNano()}, rest
			}
		}
	}
	if at, ok := parseClock(strings.TrimPrefix(word, "-")); ok {
		if word[0] == '-' { // tcpdump -ttt, if packets are out of order
			at = -at
		}
		return stamp{fromClock, at}, rest
	}
	if at, ok := parseSeconds(word); ok {
		if at >= epochFrom*int64(time.Second) {
			return stamp{fromDate, at}, rest
		}
		return stamp{fromStart, at}, rest
	}
	return stamp{}, line
}

// cutMonth reads "May 30 12:00:02.000000" as OpenBSD's tcpdump prints it and logs do, and "Nov 21, 2026
// 07:42:39.106361000 UTC" as Wireshark does. exact says that it has a fraction, which a log's mostly has not.
func cutMonth(line string) (s stamp, rest string, exact bool) {
	month, rest := cutWord(line)
	if len(month) != 3 {
		return stamp{}, line, false
	}
	date, rest := cutWord(rest)
	date, comma := strings.CutSuffix(date, ",")
	year := ""
	if comma {
		year, rest = cutWord(rest)
	}
	s.kind = fromYear
	day, err := time.Parse("Jan _2", month+" "+date)
	if comma {
		s.kind = fromDate
		day, err = time.Parse("Jan _2 2006", month+" "+date+" "+year)
	}
	clock, rest := cutWord(rest)
	at, exact := parseClock(clock)
	ok := exact
	if !ok {
		at, ok = parseClock(clock + ".0")
	}
	if err != nil || !ok || comma && (day.Year() < 1970 || day.Year() > 2100) {
		return stamp{}, line, false
	}
	inYear := time.Date(time.Unix(0, startOfTime).UTC().Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	if s.nanos = inYear.UnixNano() - startOfTime + at; comma {
		s.nanos = day.UnixNano() + at
		if zone, after := cutWord(rest); len(zone) >= 3 && len(zone) <= 5 && strings.Trim(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			rest = after
		}
	}
	return s, rest, exact
}

// parseDate reads 2026-11-21.
func parseDate(s string) (nanos int64, ok bool) {
	if len(s) != len(time.DateOnly) {
		return 0, false
	}
	t, err := time.Parse(time.DateOnly, strings.ReplaceAll(s, "/", "-"))
	if err != nil || t.Year() < 1970 || t.Year() > 2100 {
		return 0, false
	}
	return t.UnixNano(), true
}

// parseClock reads 08:53:26.560686; the fraction may have any length.
func parseClock(s string) (nanos int64, ok bool) {
	if len(s) < len("00:00:00.0") || s[2] != ':' || s[5] != ':' || s[8] != '.' && s[8] != ',' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:5], 10, 8)
	if err1 != nil || err2 != nil || h > 23 || m > 59 {
		return 0, false
	}
	rest, ok := parseSeconds(s[6:8] + "." + s[9:])
	if !ok || rest >= 61*int64(time.Second) {
		return 0, false
	}
	return int64(h)*int64(time.Hour) + int64(m)*int64(time.Minute) + rest, true
}

// parseSeconds reads seconds with a fraction, which is what tells them from other
// numbers. In some countries that begins with a comma.
func parseSeconds(s string) (nanos int64, ok bool) {
	whole, fraction, ok := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if !ok || len(fraction) == 0 || !isDigits(whole) || !isDigits(fraction) || len(whole) > 10 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > 1<<32 {
		return 0, false
	}
	fraction = (fraction + "000000000")[:9]
	f, err := strconv.ParseInt(fraction, 10, 64)
	nanos = n*int64(time.Second) + f
	if negative {
		nanos = -nanos
	}
	return nanos, err == nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
