package chunk

import "cmp"

// A Place is where a frame stands in the trace: package capture merges files by
// time, frames of equal time by the order of their files, and leaves frames of
// one file in their order even where their times are not. So the time that counts
// is the latest of the file so far.
type Place struct {
	Time  int64
	Rank  int // of the file, among those of equal time
	Frame uint32
}

// Compare orders places as the trace has them.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Rank, q.Rank), cmp.Compare(p.Frame, q.Frame))
}
