package tcptrace

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A NamedTap is a place where connections were captured, and the captures from there.
type NamedTap struct {
	Name  string
	Files []string
}

// A Tap is one of several places where the same connections were captured. The first
// tap's clock is the measure of the others':
//
//	first = own - Offset - Skew * 1e-6 * (first - Epoch)
type Tap struct {
	Name       string
	Files      []string
	Recognised string // "named", "found", or "same-capture", which counts for nothing
	Reason     string // how it was recognised
	Epoch      int64  // the first segment that both saw, by the first tap's clock
	Clock
	Parts    []ClockPart // after each step of the clock, in order
	Unpaired uint64      // connections that no other tap saw
}

// A Clock is how one clock differs from another.
type Clock struct {
	HasOffset, HasSkew bool          // whether it is known
	Offset             time.Duration // by how much it is later
	Uncertainty        time.Duration // of Offset, at the epoch; of a ClockPart, at its beginning
	Skew               float64       // by how much it is faster, in parts per million
	SkewUncertainty    float64       // parts per million
}

// A ClockPart is a clock from a time on, by that clock.
type ClockPart struct {
	From int64
	On   string // whose clock stepped: the name of a tap, or "either"
	Clock
}

// A FlowTap is what one tap saw of a connection, its sides as in Flow.
type FlowTap struct {
	Tap         int                    // index of Report.Taps
	Conn        uint64                 // number of the first segment that this tap saw, in the trace
	End         [2]reassembly.Endpoint // as this tap sees them: addresses may be translated
	First, Last int64                  // by the clock of this tap
	Packets     [2]uint64
	Bytes       [2]uint64
	Rexmits     [2]uint64
	Duplicates  uint64
	RTT         time.Duration
	Limits      fsm.Limits
}

// Between is what happened to a connection between two neighbouring taps, its sides as
// in Flow.
type Between struct {
	Taps      [2]int                 // indices of Report.Taps
	NearA     int                    // which of these two is nearer to A: 0 or 1
	End       [2]reassembly.Endpoint // as the second sees them
	Shift     [2]uint32              // what the second adds to the initial sequence number of each side
	Way       [2]Way                 // by sender
	Injected  []TapFrame             // what nobody saw leave, and what does not fit its host
	Opening   []reassembly.Segment   // the first segment that both saw, at both; a SYN if they saw one
	Rewritten []string               // "a.address", "a.port", "isn", "mss", "scale", "sack", "timestamps", "ecn", "flags"
	Reason    string                 // why some of it is undecided; empty as a rule
}

// A Way is what became of the segments of one side between two taps. Sent is the sum of
// the other counts and of the length of Lost.
type Way struct {
	Sent      uint64 // as the tap nearer to the sender saw them
	Arrived   uint64 // both saw them
	Partial   uint64 // large ones, before they were divided, that arrived in part
	Missed    uint64 // the far tap did not see them, but the host behind it acknowledged them
	Undecided uint64 // the far tap missed other frames, too, or has more segments than are compared
	Uncovered uint64 // the far tap was not capturing when they would have arrived

	Lost         []TapFrame // at the tap nearer to the sender
	Untranslated []TapFrame // arrived with the addresses that they had, though those of the connection are translated
	Reordered    []TapFrame // at the far tap: after one that had left later
	Duplicated   []TapFrame // at the far tap

	HasDelay                                  bool // whether delays are known
	DelayMin, DelayMedian, DelayP95, DelayMax time.Duration
}

// A TapFrame is one frame at one tap.
type TapFrame struct {
	Tap   int // index of Report.Taps
	File  uint16
	Frame uint32
	Seg   reassembly.Segment
	OneOf []uint32 // frames that nothing tells apart, of which as many were lost as list them
}

// plan says what is known of the files, and what to run: the detectors that watch
// connections, and which of those that compare taps to leave out.
func (o *Options) plan(files []string) (all []string, to taps.Options, skip map[string]bool, err error) {
	if o.Each && len(o.Taps) > 0 {
		return nil, to, nil, errors.New("options: Each and Taps exclude each other")
	}
	names := map[string]bool{}
	for _, t := range o.Taps {
		if t.Name == "" || len(t.Files) == 0 || names[t.Name] {
			return nil, to, nil, fmt.Errorf("options: tap %q must have files, and a name of its own", t.Name)
		}
		names[t.Name] = true
		all = append(all, t.Files...)
		to.Named = append(to.Named, taps.Named(t))
	}
	to.Each = o.Each
	all = append(all, files...)
	for _, name := range all {
		if st, err := os.Stat(name); (o.Each || len(o.Taps) > 0) && (name == "-" || err == nil && !st.Mode().IsRegular()) {
			return nil, to, nil, fmt.Errorf("options: %s: Taps and Each need files, which can be read twice", name)
		}
	}
	skip = map[string]bool{}
	if o.Detectors != nil {
		for _, d := range joint.Detectors {
			skip[d.Name] = !slices.Contains(o.Detectors, d)
		}
		o.Detectors = slices.DeleteFunc(slices.Clone(o.Detectors), func(d *detectors.Detector) bool { return slices.Contains(joint.Detectors, d) })
	}
	return all, to, skip, nil
}

func newTap(t *result.Tap) Tap {
	public := Tap{Name: t.Name, Files: t.Files, Recognised: t.Recognised, Reason: t.Reason, Epoch: t.Epoch, Clock: newClock(&t.Clock), Unpaired: t.Unpaired}
	for i := range t.Parts {
		p := &t.Parts[i]
		public.Parts = append(public.Parts, ClockPart{From: p.From, On: p.On, Clock: newClock(&p.Clock)})
	}
	return public
}

func newClock(c *result.Clock) Clock {
	return Clock{
		HasOffset: c.HasOffset, HasSkew: c.HasSkew, Offset: time.Duration(c.Offset), Uncertainty: time.Duration(c.Uncertainty),
		Skew: c.Skew, SkewUncertainty: c.SkewUncertainty,
	}
}

func newFlowTap(t *result.FlowTap) FlowTap {
	return FlowTap{
		Tap: t.Tap, Conn: t.Conn, End: t.End, First: t.First, Last: t.Last, Packets: t.Packets, Bytes: t.Bytes, Rexmits: t.Rexmits,
		Duplicates: t.Duplicates, RTT: time.Duration(t.RTT), Limits: t.Limits,
	}
}

func newBetween(b *result.Between) Between {
	public := Between{
		Taps: b.Taps, NearA: b.NearA, End: b.End, Shift: b.Shift, Injected: newTapFrames(b.Injected), Opening: b.Opening,
		Rewritten: b.Rewritten, Reason: b.Reason,
	}
	for side := range b.Way {
		w := &b.Way[side]
		public.Way[side] = Way{
			Sent: w.Sent, Arrived: w.Arrived, Partial: w.Partial, Missed: w.Missed, Undecided: w.Undecided, Uncovered: w.Uncovered,
			Lost: newTapFrames(w.Lost), Untranslated: newTapFrames(w.Untranslated), Reordered: newTapFrames(w.Reordered), Duplicated: newTapFrames(w.Duplicated), HasDelay: w.HasDelay,
			DelayMin: time.Duration(w.DelayMin), DelayMedian: time.Duration(w.DelayMedian),
			DelayP95: time.Duration(w.DelayP95), DelayMax: time.Duration(w.DelayMax),
		}
	}
	return public
}

func newTapFrames(list []result.TapFrame) (public []TapFrame) {
	for i := range list {
		f := &list[i]
		public = append(public, TapFrame{Tap: f.Tap, File: f.File, Frame: f.Frame, Seg: f.Seg, OneOf: f.OneOf})
	}
	return public
}
