package capture

import (
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Info is what is known about one input so far.
type Info struct {
	stats.Capture
	Err error // why the input could not be read, or a *Damage if not to its end

	warnedSimple bool // of packets without a time
	warnedUnit   bool // of another unit than is stated
}

// maxLinkTypes bounds the list. Only a fuzzer makes more.
const maxLinkTypes = 64

// carries adds a link type.
func (i *Info) carries(l LinkType) {
	if !slices.Contains(i.LinkTypes, uint32(l)) && len(i.LinkTypes) < maxLinkTypes {
		i.LinkTypes = append(i.LinkTypes, uint32(l))
	}
}

// describe adds an interface.
func (i *Info) describe(snap uint32, name string) {
	i.Snap = max(i.Snap, snap)
	if len(i.Interfaces) < maxLinkTypes {
		i.Interfaces = append(i.Interfaces, name)
	}
}

// count counts a packet.
func (i *Info) count(fr *Frame) {
	if i.Packets == 0 || fr.At < i.First {
		i.First = fr.At
	}
	i.Last = max(i.Last, fr.At)
	i.Packets++
	i.Bytes += uint64(len(fr.Data))
}

// warn adds a warning once.
func (i *Info) warn(warned *bool, text string) {
	if !*warned {
		*warned = true
		i.Warnings = append(i.Warnings, text)
	}
}

// snapshot is a copy that reading on does not change, with the clock steps.
func (i *Info) snapshot(c *clock, a *again) Info {
	s := *i
	s.LinkTypes = slices.Clone(i.LinkTypes)
	s.Interfaces = slices.Clone(i.Interfaces)
	s.Warnings = slices.Clone(i.Warnings)
	if len(c.steps) > 0 {
		s.ClockSteps, s.Unordered = slices.Clone(c.steps), c.swings >= minSwings
		s.Warnings = append(s.Warnings, c.warning())
	}
	if a != nil && a.count > 0 {
		s.Warnings = append(s.Warnings, a.warning())
	}
	return s
}

func (c *clock) warning() string {
	if c.swings >= minSwings {
		return fmt.Sprintf("not in order of time: the times of its packets went back by more than a second, and forth again, %d times (the first time at frame %d), so everything found in it is undecided",
			c.swings, c.steps[0].Frame)
	}
	more := ""
	if n := len(c.steps) - 1; n > 0 {
		more = fmt.Sprintf(", and stepped %d times more", n)
	}
	return fmt.Sprintf("the clock went back by %v at frame %d%s: later times are shifted so that time goes on",
		time.Duration(c.steps[0].Offset), c.steps[0].Frame, more)
}
