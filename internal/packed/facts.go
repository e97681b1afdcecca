package packed

// Facts are what must be known of a trace to judge some of its connections: what
// none of their own segments shows.
type Facts struct {
	Captures []Capture // the files of the trace; a segment's File is an index

	First, Last int64 // frames of any kind, nanoseconds since 1970
	End         int64 // of the trace: its last frame, or a later end that a file states
	Gaps        []Gap // over an hour without a frame, in order
	Steps       []int64
	FINs        FINs

	// Of this part of the trace. Frames without a segment count in one part
	// only, so that the parts add up.
	Packets  uint64 // frames of any kind
	Segments uint64
	Skipped  []Count // frames without a segment, by reason

	// Numbers are those that connections have among all of the trace, by the
	// position of their first segment. None: they count from 1.
	Numbers []Number
}

// A Gap is a stretch in which nothing at all was recorded.
type Gap struct{ From, To int64 }

// FINs are those of the whole trace, by rank: the first of a connection, and the
// second. A trace in which no FIN of a rank is ever acknowledged leaves such
// ACKs out.
type FINs struct {
	Known       bool // they have been counted
	Sent, Acked [2]uint64
}

// A Count is a named number.
type Count struct {
	Name string
	N    uint64
}

// A Number is the place of a connection among those of the trace.
type Number struct{ Position, Number uint64 }

// A Capture is one of the files that the segments came from. Times are as the
// file has them.
type Capture struct {
	File, Format, Compression string
	LinkTypes                 []uint32
	Packets, Bytes            uint64
	First, Last, End          int64
	Drops                     uint64 // that the capturing system tells of
	Warnings                  []string
	Steps                     []Step // of its clock
}

// A Step is by how much times are shifted from a frame on, because the file's
// clock went back.
type Step struct {
	Frame  uint32
	Offset int64
}
