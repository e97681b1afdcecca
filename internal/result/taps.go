package result

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Tap is one of several places where the same connections were captured. The first
// tap's clock is the measure of the others':
//
//	first = own - Offset - Skew * 1e-6 * (first - Epoch)
type Tap struct {
	Name       string
	Files      []string
	Recognised string // "named", "found", "same-capture"
	Reason     string // by what
	Epoch      int64  // the first matched segment, by the first tap's clock, nanoseconds since 1970
	Clock
	Parts    []ClockPart // after each step of the clock, in order
	Unpaired uint64      // connections that no other tap saw
}

// A Clock is how one clock differs from another.
type Clock struct {
	HasOffset, HasSkew bool
	Offset             int64 // nanoseconds
	Uncertainty        int64
	Skew               float64 // parts per million
	SkewUncertainty    float64
}

// First is the time that the first tap's clock shows when this one shows own.
func (t *Tap) First(own int64) int64 {
	c := &t.Clock
	for i := range t.Parts {
		if own >= t.Parts[i].From {
			c = &t.Parts[i].Clock
		}
	}
	at := own - c.Offset
	return at - int64(c.Skew*1e-6*float64(at-t.Epoch)/(1+c.Skew*1e-6))
}

// A ClockPart is the clock from a time on, by that clock.
type ClockPart struct {
	From int64
	On   string // whose clock stepped: a tap's name, or "either"
	Clock
}

// A FlowTap is what one tap saw of a connection, its sides as in Flow.
type FlowTap struct {
	Tap        int    // index of Report.Taps
	Conn       uint64 // its Flow.Conn there
	End        [2]reassembly.Endpoint
	First      int64 // nanoseconds since 1970, by the clock of that tap
	Last       int64
	Packets    [2]uint64
	Bytes      [2]uint64
	Rexmits    [2]uint64
	Duplicates uint64
	RTT        int64
	Limits     fsm.Limits
}

// Between is what happened to a connection between two neighbouring taps. Sides are
// as in Flow.
type Between struct {
	Taps      [2]int                 // indices of Report.Taps
	NearA     int                    // which of these two is nearer to A, 0 or 1
	End       [2]reassembly.Endpoint // as the second sees them
	Shift     [2]uint32              // what the second adds to the initial sequence number of each side
	Way       [2]Way                 // by sender
	Injected  []TapFrame
	Opening   []reassembly.Segment // the first SYN, or the first segment, at both
	Rewritten []string             // "a.address", "a.port", "isn", "mss", ...
	Reason    string               // why nothing can be said; empty as a rule
}

// A Way is what became of the segments of one direction.
type Way struct {
	Sent, Arrived, Partial, Missed, Undecided, Uncovered uint64

	Lost         []TapFrame
	Untranslated []TapFrame // arrived with the addresses that they had, though those of the connection are translated
	Reordered    []TapFrame // at the far tap
	Duplicated   []TapFrame // at the far tap

	HasDelay                                  bool
	DelayMin, DelayMedian, DelayP95, DelayMax int64 // nanoseconds
}

// A TapFrame is one frame at one tap.
type TapFrame struct {
	Tap int
	FrameID
	Seg   reassembly.Segment
	OneOf []uint32 // frames alike, of which as many were lost as list them; none if it is certain
}

// A Ladder is segments on their way between two taps.
type Ladder struct {
	Taps [2]int      // indices of Report.Taps: left is nearer to A
	Rows []LadderRow // in order of time
	More int         // that are not shown
}

// A LadderRow is one segment.
type LadderRow struct {
	At       int64      // when it was first seen, by the first tap's clock
	Frame    [2]FrameID // left and right; zero where it was not seen
	FromLeft bool
	Arrived  bool
	Word     string // what became of it otherwise: "lost", "injected", ...
	Delay    int64
	HasDelay bool
	Seg      reassembly.Segment
}
