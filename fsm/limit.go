package fsm

import "strings"

// Limits are the reasons to trust a capture of one connection less. Each is
// one bit; each finding carries those of its connection.
type Limits uint16

// What a capture can hide.
const (
	Midstream     Limits = 1 << iota // the connection was already running when the capture began
	OneSided                         // only one direction was captured
	Holes                            // bytes were acknowledged that the capture never saw
	AcksFiltered                     // pure ACKs are missing throughout
	WindowUnknown                    // the receive window that mattered was never seen
	ScaleUnknown                     // no SYN: nonzero windows are lower bounds (RFC 7323 2.2)
	CutOptions                       // the snap length cut TCP options
	Copies                           // identical frames that may be copies were counted as sent
	ClockStepped                     // capture timestamps jumped backwards
	LossBeforeTap                    // the sender's IP IDs skip where something was due
	KernelDrops                      // the capturing kernel dropped packets
	Evicted                          // the connection was dropped to stay within --max-flows
	ClockSkew                        // two captures disagree about the time
)

var limitNames = [...]string{
	"midstream", "one-sided", "holes", "acks-filtered", "window-unknown", "scale-unknown",
	"options-cut", "copies", "clock-stepped", "loss-before-tap", "kernel-drops", "evicted", "clock-skew",
}

// Names lists the limits by their names in reports, in a fixed order.
func (l Limits) Names() []string {
	names := []string{}
	for i, n := range limitNames {
		if l&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// String joins the names with ", ".
func (l Limits) String() string { return strings.Join(l.Names(), ", ") }
