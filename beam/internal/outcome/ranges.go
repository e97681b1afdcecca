package outcome

import "sort"

// A Range is a stretch of time with so many connections, or findings, that one
// worker can put them in order.
type Range struct {
	From   int64  // slices from here on, to the next range
	Before uint64 // how many come in earlier ranges
}

// Ranges divides slices of time into ranges of about the given size. A slice is
// never divided.
func Ranges(slices []Slice, size uint64) []Range {
	var all []Range
	var before, in uint64
	for _, s := range slices {
		if len(all) == 0 || in >= size {
			all = append(all, Range{s.Time, before})
			in = 0
		}
		in += s.Count
		before += s.Count
	}
	return all
}

// Find returns the range that a slice of time lies in.
func Find(ranges []Range, time int64) int {
	return max(0, sort.Search(len(ranges), func(i int) bool { return ranges[i].From > time })-1)
}

// maxSlices is into how many slices the whole trace is divided at most.
const maxSlices = 1 << 16

// SliceOf is the slice of time that a moment of a trace lies in: a second, or
// more where the trace is longer than a day.
func SliceOf(at, first, last int64) int64 {
	width := max(int64(1e9), (last-first)/maxSlices+1)
	return (at - first) / width
}
