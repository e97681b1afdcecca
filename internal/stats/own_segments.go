package stats

import "github.com/tcptrace-go/tcptrace/internal/sorting"

// An OwnSegment is a segment that is a host's own.
type OwnSegment struct {
	At    int64
	Frame uint32 // of that
	By    uint8  // the device that sent it: an fsm.Device
	First bool   `json:",omitempty"` // it is the first of its connection, and Frame that of the last that the host sent there
}

const (
	// leastStep is the shortest step of time, in powers of two nanoseconds: a second.
	leastStep = 30

	// maxOwnSegments is in how many steps of time a host is remembered to have been seen.
	maxOwnSegments = 256
)

// see adds a segment that the host sent. Of each step of time, the last is remembered; steps are as long as it takes for there not to be too
// many of them, so that what is remembered does not depend on the order in which segments come.
func (h *Host) see(s OwnSegment) {
	h.Step = max(h.Step, leastStep)
	i := len(h.Own)
	for i > 0 && h.Own[i-1].At > s.At {
		i--
	}
	switch { // each that is remembered has a step of its own
	case i > 0 && h.Own[i-1].At>>h.Step == s.At>>h.Step:
		h.Own[i-1] = later(h.Own[i-1], s)
	case i == len(h.Own) || h.Own[i].At>>h.Step != s.At>>h.Step:
		h.Own = sorting.Insert(h.Own, i, s)
	}
	for len(h.Own) > maxOwnSegments {
		h.widen(h.Step + 1)
	}
}

// later is the one of two that came later, the second if that is not before the first.
func later(s, t OwnSegment) OwnSegment {
	if s.At == t.At && (s.Frame > t.Frame || s.Frame == t.Frame && s.By > t.By) {
		return s
	}
	return t
}

// widen makes the steps at least that long.
func (h *Host) widen(step uint8) {
	h.Step = max(h.Step, step)
	n := 0
	for _, s := range h.Own {
		if n > 0 && h.Own[n-1].At>>h.Step == s.At>>h.Step {
			n--
			s = later(h.Own[n], s)
		}
		h.Own[n] = s
		n++
	}
	h.Own = h.Own[:n]
}

// SentAround is the last that the address sent after from and until to, and the first after to, as far as that is remembered; At is 0 if there is
// none. What the device sent that asks the host shows nothing: it speaks for several hosts, as a program that makes its own packets does. asks is
// 0 if it is not known.
func (h *Hosts) SentAround(addr [16]byte, from, to int64, asks uint8) (during, after OwnSegment) {
	i, _ := find(h.Seen, &Host{Addr: addr})
	for ; i < len(h.Seen) && h.Seen[i].Addr == addr; i++ {
		for _, s := range h.Seen[i].Own {
			switch {
			case asks != 0 && s.By == asks || s.At <= from:
			case s.At <= to && s.At > during.At:
				during = s
			case s.At > to && (after.At == 0 || s.At < after.At):
				after = s
			}
		}
	}
	return during, after
}
