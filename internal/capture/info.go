package capture

import (
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Info is what is known of one input, so far while it is being read.
type Info struct {
	stats.Capture
	Err error // why the input could not be read, or not to its end (a *Damage)

	timeless bool // warned of simple packet blocks
}

// maxLinkTypes bounds the list: more than this is somebody's fuzzer.
const maxLinkTypes = 64

// carries notes a link type.
func (i *Info) carries(l LinkType) {
	if !slices.Contains(i.LinkTypes, uint32(l)) && len(i.LinkTypes) < maxLinkTypes {
		i.LinkTypes = append(i.LinkTypes, uint32(l))
	}
}

// count notes a packet.
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

// snapshot is a copy that later reading does not change, with what the clock
// did.
func (i *Info) snapshot(c *clock) Info {
	s := *i
	s.LinkTypes = slices.Clone(i.LinkTypes)
	s.Warnings = slices.Clone(i.Warnings)
	if len(c.steps) > 0 {
		s.ClockSteps = slices.Clone(c.steps)
		s.Warnings = append(s.Warnings, c.warning())
	}
	return s
}

func (c *clock) warning() string {
	more := ""
	if n := len(c.steps) - 1; n > 0 {
		more = fmt.Sprintf(", and stepped %d times more", n)
	}
	return fmt.Sprintf("the clock went back by %v at frame %d%s: later times are shifted so that time goes on",
		time.Duration(c.steps[0].Offset), c.steps[0].Frame, more)
}
