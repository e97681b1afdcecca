package stats

// Of so many packets, at least one of a damaged capture has an IPv4 header with a wrong checksum, and at
// least three in all.
const (
	damagedShare = 64
	minDamaged   = 3
)

// Damaged reports whether a capture holds bytes that nobody sent so, given how many IPv4 headers have a right checksum and how
// many one that is wrong in ways of its own: some that were made to test programs do, and what a broken disk or network card
// left. If most are wrong, somebody replaced addresses.
func Damaged(right, wrong uint64) bool {
	return wrong >= minDamaged && wrong*damagedShare >= right && wrong < right
}

// Damaged reports whether the bytes of an input are damaged.
func (t *Trace) Damaged(file uint16) bool {
	return int(file) < len(t.Captures) && t.Captures[file].Damaged
}

// Made reports whether a program made the segments of an input.
func (t *Trace) Made(file uint16) bool { return int(file) < len(t.Captures) && t.Captures[file].Made }

// minUntimed is how many packets of one time a trace has at least that has no times: a burst may be as short as a clock's tick.
const minUntimed = 8

// Untimed reports whether all packets of the trace have the same time: a program wrote it that did not keep them.
func (t *Trace) Untimed() bool { return t.Packets >= minUntimed && t.First == t.End }

// Unordered reports whether an input is not in order of time.
func (t *Trace) Unordered(file uint16) bool {
	return int(file) < len(t.Captures) && t.Captures[file].Unordered
}
