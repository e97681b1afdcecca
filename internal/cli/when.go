package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// parseTime reads the time of a flag: RFC 3339; seconds from the first frame; or a clock
// time, 08:53:31 or 08:53:31+02:00 (UTC without a zone), which is its first occurrence at
// or after the first frame. 0 if the flag was not given.
func (c *command) parseTime(flag, value string) (int64, error) {
	if value == "" {
		return 0, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, value); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
		return max(t.UnixNano(), 1), nil // 0 would mean none
	}
	clock, isClock := parseClock(value)
	d, err := strconv.ParseFloat(value, 64)
	if !isClock && (err != nil || !(d >= 0 && d <= 1e9)) {
		return 0, fmt.Errorf("%s %q: want a time such as 2006-01-02T15:04:05Z (1970 to 2261), 15:04:05 or 15:04:05+02:00 of the clock, or +SECONDS from the first frame", flag, value)
	}
	first, err := c.firstFrame()
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", flag, value, err)
	}
	if !isClock {
		return first + int64(d*float64(time.Second)), nil
	}
	const day = int64(24 * time.Hour)
	return first + ((clock-first)%day+day)%day, nil
}

// parseClock reads a time of day, in nanoseconds since midnight UTC. It may be negative.
func parseClock(value string) (clock int64, ok bool) {
	for _, layout := range []string{"15:04:05", "15:04:05Z07:00", "15:04", "15:04Z07:00"} {
		if t, err := time.Parse(layout, strings.TrimSpace(value)); err == nil {
			_, offset := t.Zone()
			h, m, s := t.Clock()
			return int64(h)*int64(time.Hour) + int64(m)*int64(time.Minute) + int64(s-offset)*int64(time.Second) + int64(t.Nanosecond()), true
		}
	}
	return 0, false
}

// firstFrame is the time of the first frame of the inputs.
func (c *command) firstFrame() (int64, error) {
	for _, name := range c.flags.files {
		if !isFile(name) {
			return 0, errors.New("a time without a date needs files: standard input and pipes cannot be read twice")
		}
	}
	trace, _ := source.Open(c.flags.files, capture.Options{Text: scenario.Pcapng})
	defer trace.Close()
	var fr capture.Frame
	switch trace := trace.(type) {
	case *shard.Trace:
		fr.At = trace.Start()
	case *capture.Trace:
		if trace.Next(&fr) != nil {
			return 0, errors.New("the capture has no frames")
		}
	}
	return fr.At, nil
}
