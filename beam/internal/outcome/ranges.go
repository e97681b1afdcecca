package outcome

import "sort"

// A Range is a time range with as many connections, or findings, as one worker can
// sort.
type Range struct {
	From   int64  // first slice; the range ends before the next one
	Before uint64 // number in earlier ranges
}

// Ranges divides slices into ranges of about the given size. It does not divide a
// slice.
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

// Find returns the index of the range that has a slice.
func Find(ranges []Range, time int64) int {
	return max(0, sort.Search(len(ranges), func(i int) bool { return ranges[i].From > time })-1)
}

// maxSlices is the maximum number of slices of a trace.
const maxSlices = 1 << 16

// SliceOf is the slice of a time. A slice is a second, or more if the trace is longer
// than 18 hours.
func SliceOf(at, first, last int64) int64 {
	width := max(int64(1e9), (last-first)/maxSlices+1)
	return (at - first) / width
}
