package stats

import "sort"

// Turns are the trace times at which the frame numbers of a file passed multiples of 2^31. Segments
// hold the low 32 bits of a number; with the time of the frame, these tell which it is.
type Turns []int64

// Turned reports whether a frame with this number (its low 32 bits) is the first beyond
// such a multiple.
func Turned(before, frame uint32) bool { return (before^frame)>>31 != 0 }

// Number is the number of a frame in its file, from 1, given its low 32 bits and its trace
// time.
func (t Turns) Number(frame uint32, at int64) uint64 {
	if len(t) < 2 {
		return uint64(frame)
	}
	half := sort.Search(len(t), func(i int) bool { return t[i] > at })
	if uint32(half)&1 != frame>>31 { // times are not quite in order: the nearer half
		if half == len(t) || half > 0 && at-t[half-1] < t[half]-at {
			half--
		} else {
			half++
		}
	}
	return uint64(half>>1)<<32 | uint64(frame)
}
