// Package stats holds what single connections do not show: the files of a trace,
// its end and its gaps, and counts of what the capture left out. The engine needs
// them to analyse a part of a trace as it analyses the whole.
package stats

import (
	"cmp"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// A Trace is what a trace shows as a whole. Times are nanoseconds since 1970, in
// trace time.
type Trace struct {
	Captures []Capture // a segment's File is an index

	Start       int64 // first frame in order, of any kind
	First, Last int64 // earliest and latest frame of any kind
	End         int64 // the last frame, or a later end that a file states
	Gaps        []Gap // longer than QuietGap, or in which the capture was interrupted (see Pauses and Rhythm), in order
	Pauses      []Gap // longer than Pause and no longer than QuietGap, in order: the first of them
	ClockSteps  []int64
	Counts      Counts

	// Of this part of the trace. Frames without a segment count in one part only,
	// so that the parts add up.
	Packets  uint64 // frames of any kind
	Segments uint64
	Skipped  []Skipped

	// Cuts are the times at which parts of the trace end whose rest is missing, in
	// order. No shard states them: its reader finds out.
	Cuts []int64

	// Coverage is that of each file. It is made of the captures if it is nil.
	Coverage []Coverage

	// Numbers are those that the connections have in the whole trace, by position.
	// If there are none, connections count from 1.
	Numbers []Number

	// Openings are those of connections in other parts of the trace that began like one of
	// this part.
	Openings []Opening
}

// QuietGap is how long a trace may be without any frame, in nanoseconds. After a
// longer gap nothing can be said to be absent: nobody was capturing, or files of
// different days were merged.
const QuietGap = int64(time.Hour)

// Pause is how long a trace must be without any frame, in nanoseconds, for the capture to
// have been interrupted if connections show that: long enough for a SYN to be sent again four times
// (RFC 6298 2.1, 5.5). Only the first maxPauses are looked at.
const (
	Pause     = 30 * int64(time.Second)
	maxPauses = 1024
)

// MaxClockSteps is how many clock steps are remembered. A trace with more has a
// clock that steps all the time.
const MaxClockSteps = 1024

// A Gap is a stretch without any frame.
type Gap struct{ From, To int64 }

// Skipped counts frames without a TCP segment, by reason.
type Skipped struct {
	Reason string
	N      uint64
}

// A Number is that of a connection in the trace. Position is that of its first
// segment among all segments.
type Number struct{ Position, Number uint64 }

// Frame counts a frame of any kind. stepped says that the clock of its file
// stepped just before it.
func (t *Trace) Frame(at int64, stepped bool) {
	t.Packets++
	if uint64(at-t.Last) <= uint64(Pause) && t.Last != 0 && !stepped { // nearly all
		t.Last = at
		return
	}
	t.odd(at, stepped)
}

// Frames counts n frames that were captured in order, the first and the last of them at these
// times, and each at its own.
func (t *Trace) Frames(n int, first, last int64, at func(int) int64) {
	if t.Last != 0 && first >= t.Last && last-t.Last <= Pause { // nearly always
		t.Packets += uint64(n)
		t.Last = last
		return
	}
	for i := range n {
		t.Frame(at(i), false)
	}
}

func (t *Trace) odd(at int64, stepped bool) {
	if stepped {
		t.Step(at)
	}
	switch {
	case t.Last == 0:
		t.First, t.Last = at, at
	case at > t.Last:
		if at-t.Last > Pause {
			t.Pause(Gap{From: t.Last, To: at})
		}
		t.Last = at
	case at < t.First:
		t.First = at
	}
}

// Pause adds a gap: longer than Pause, and after those before.
func (t *Trace) Pause(g Gap) {
	switch {
	case g.To-g.From > QuietGap:
		t.Gaps = append(t.Gaps, g)
	case len(t.Pauses) < maxPauses:
		t.Pauses = append(t.Pauses, g)
	}
}

// Interrupted makes a gap of a pause.
func (t *Trace) Interrupted(pause int) {
	t.addGap(t.Pauses[pause])
	t.Pauses = slices.Delete(t.Pauses, pause, pause+1)
}

func (t *Trace) addGap(g Gap) {
	i, _ := slices.BinarySearchFunc(t.Gaps, g.From, func(g Gap, from int64) int { return cmp.Compare(g.From, from) })
	t.Gaps = sorting.Insert(t.Gaps, i, g)
}

// InterruptedIn is the first gap, no longer than QuietGap that has part of a time: the capture was interrupted then.
func (t *Trace) InterruptedIn(from, to int64) (g Gap, is bool) {
	for _, g := range t.Gaps {
		if g.To-g.From <= QuietGap && g.From < to && g.To > from {
			return g, true
		}
	}
	return Gap{}, false
}

// Step notes that a clock stepped.
func (t *Trace) Step(at int64) {
	if len(t.ClockSteps) < MaxClockSteps {
		i, _ := slices.BinarySearch(t.ClockSteps, at)
		t.ClockSteps = sorting.Insert(t.ClockSteps, i, at)
	}
}

// Until leaves out what comes after at. Frames are not counted again.
func (t *Trace) Until(at int64) {
	after := func(g Gap) bool { return g.To > at }
	t.Gaps, t.Pauses = slices.DeleteFunc(slices.Clone(t.Gaps), after), slices.DeleteFunc(slices.Clone(t.Pauses), after)
	t.Last, t.End = min(t.Last, at), at
}

// KnownUntil is the last moment of which the trace can speak for a connection
// whose latest segment was at last, in that file: end, or an earlier gap or cut, or the
// end of that file where no other continues it.
func (t *Trace) KnownUntil(last, end int64, file uint16) int64 {
	if int(file) < len(t.Coverage) {
		end = min(end, max(last, t.Coverage[file].End))
	}
	if i, _ := slices.BinarySearch(t.Cuts, last); i < len(t.Cuts) {
		end = min(t.Cuts[i], end)
	}
	i, _ := slices.BinarySearchFunc(t.Gaps, last, func(g Gap, last int64) int { return cmp.Compare(g.From, last) })
	if i < len(t.Gaps) {
		end = min(t.Gaps[i].From, end)
	}
	return end
}

// Cover finds out which files continue which, once all of them are known.
func (t *Trace) Cover() {
	if t.Coverage == nil && len(t.Captures) > 1 {
		t.Coverage = Coverages(t.Captures, Rotations(t.Captures))
	}
}

// ClockStepped reports whether a clock stepped between two times.
func (t *Trace) ClockStepped(first, last int64) bool {
	i, _ := slices.BinarySearch(t.ClockSteps, first)
	return i < len(t.ClockSteps) && t.ClockSteps[i] <= last
}
