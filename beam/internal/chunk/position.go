package chunk

import "cmp"

// A Position is the position of a frame in the trace. Package capture merges files
// by time, and frames of equal times in the order of their files. It keeps the
// order of frames within a file even if their times go back, so the time that
// counts is the latest in the file so far.
type Position struct {
	Time  int64
	Rank  int // of the file, for equal times
	Frame uint32
}

// Compare is the order of the trace.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Rank, q.Rank), cmp.Compare(p.Frame, q.Frame))
}
