package sockets

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// layouts are what date prints, by its options. Go accepts a fraction behind the seconds
// of each, also behind a comma.
var layouts = []struct {
	layout string
	zone   bool // it names a zone without its offset
}{
	{time.RFC3339, false},                         // -Ins, -Iseconds
	{"2006-01-02T15:04:05", false},                // +%FT%T
	{"2006-01-02 15:04:05Z07:00", false},          // --rfc-3339
	{"2006-01-02 15:04:05 -0700", false},          // "+%F %T %z"
	{"2006-01-02 15:04:05 MST", true},             // "+%F %T %Z"
	{"2006-01-02 15:04:05", false},                // "+%F %T"
	{"Mon Jan _2 15:04:05 MST 2006", true},        // no option
	{"Mon _2 Jan 2006 15:04:05 MST", true},        // no option, in other places
	{"Mon _2 Jan 15:04:05 MST 2006", true},        //
	{"Mon Jan _2 03:04:05 PM MST 2006", true},     //
	{"Mon _2 Jan 2006 03:04:05 PM MST", true},     //
	{"Mon, 02 Jan 2006 15:04:05 -0700", false},    // -R
	{"Monday, January 2, 2006 15:04:05", false},   //
	{"Mon Jan _2 15:04:05.999999999 2006", false}, // watch, ctime(3)
}

// parseTime reads a line with a time, which may be marked as a comment. Without a zone it
// is UTC. A time without a fraction was taken during the second that follows.
func parseTime(line string) (at, resolution int64, err error) {
	s := strings.Join(strings.Fields(strings.Trim(line, "#=-* \t")), " ")
	if t, ok := epoch(s); ok {
		return t, resolutionOf(s), nil
	}
	for _, l := range layouts {
		t, err := time.Parse(l.layout, s)
		if err != nil {
			continue
		}
		if name, offset := t.Zone(); l.zone && offset == 0 && name != "UTC" && name != "GMT" && name != "Z" {
			return 0, 0, errors.New("the zone of the time has no offset: use date -Ins, date +%s.%N or date -u")
		}
		if t.Year() < 1970 || t.Year() > 2261 {
			return 0, 0, errors.New("the time is not between 1970 and 2261")
		}
		return t.UnixNano(), resolutionOf(s), nil
	}
	return 0, 0, errWanted
}

// epoch reads seconds since 1970 with or without a fraction.
func epoch(s string) (int64, bool) {
	whole, fraction, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if len(whole) < 9 || len(whole) > 10 || len(fraction) > 9 || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 9-len(fraction)), 10, 64)
	return n, err == nil
}

func resolutionOf(s string) int64 {
	if i := strings.LastIndexAny(s, ".,"); i > 0 && i+1 < len(s) && '0' <= s[i+1] && s[i+1] <= '9' {
		return 0
	}
	return int64(time.Second)
}
