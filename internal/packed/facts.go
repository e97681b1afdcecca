package packed

import "github.com/tcptrace-go/tcptrace/reassembly"

// Facts are what must be known of a trace to judge some of its connections: what
// none of their own segments shows.
type Facts struct {
	Captures []Capture // the files of the trace; a segment's File is an index

	Start       int64   // first frame in order, of any kind; in a file it is in the Prelude
	First, Last int64   // frames of any kind, nanoseconds since 1970
	End         int64   // of the trace: its last frame, or a later end that a file states
	Gaps        []Gap   // over an hour without a frame, in order
	Steps       []int64 // when a clock went back
	Census      Census

	// Of this part of the trace. Frames without a segment count in one part
	// only, so that the parts add up.
	Packets  uint64 // frames of any kind
	Segments uint64
	Skipped  []Count // frames without a segment, by reason

	// Cuts are when parts of the trace end of which the rest is missing, in order.
	// No file holds them: its reader finds out.
	Cuts []int64

	// Numbers are those that connections have among all of the trace, by the
	// position of their first segment. None: they count from 1.
	Numbers []Number
}

// A Gap is a stretch in which nothing at all was recorded.
type Gap struct{ From, To int64 }

// A Census counts the connections of a whole trace by what they show of the
// capture that they are in. Some verdicts and all notes go by it.
type Census struct {
	Known    bool // they have been counted
	Flows    uint64
	Segments uint64
	Copies   uint64 // frames captured more than once
	OneSided uint64
	Lossy    uint64 // with holes
	Filtered uint64 // without their pure ACKs
	Cut      uint64 // whose options the snap length cuts
	Oversize uint64 // with segments larger than the receiver's MSS
	Biggest  Sender // the first that sends such
	FINs     [2]FINs
	LoneSYNs uint64 // connections of which there is one SYN, and nothing else
	SYNs     uint64 // those of which there are several, and nothing else
}

// A Sender is an end of the connection whose first segment has that position.
type Sender struct {
	Position uint64 // 0: there is none
	Host     reassembly.Endpoint
}

// FINs are those of a rank: the first of each connection, or the second. A trace
// in which none is ever acknowledged leaves such ACKs out.
type FINs struct{ Sent, Acked uint64 }

// Add adds what was counted of other connections of the trace.
func (c *Census) Add(d *Census) {
	c.Flows += d.Flows
	c.Segments += d.Segments
	c.Copies += d.Copies
	c.OneSided += d.OneSided
	c.Lossy += d.Lossy
	c.Filtered += d.Filtered
	c.Cut += d.Cut
	c.Oversize += d.Oversize
	for rank := range c.FINs {
		c.FINs[rank].Sent += d.FINs[rank].Sent
		c.FINs[rank].Acked += d.FINs[rank].Acked
	}
	c.LoneSYNs += d.LoneSYNs
	c.SYNs += d.SYNs
	if d.Biggest.Position != 0 {
		c.Bigger(d.Biggest)
	}
}

// Bigger counts a sender of segments larger than the wire can have had.
func (c *Census) Bigger(s Sender) {
	if c.Biggest.Position == 0 || s.Position < c.Biggest.Position {
		c.Biggest = s
	}
}

// HidesACKs reports whether the trace shows FINs of that rank, and no
// acknowledgment of any: captures of a phone's VPN do.
func (c *Census) HidesACKs(rank int) bool {
	const enough = 5
	return c.FINs[rank].Sent >= enough && c.FINs[rank].Acked == 0
}

// OnlySYNs reports whether the trace leaves out whatever answers a SYN: it holds
// nothing but SYNs, as a filter makes it, and most of them were not repeated, as
// unanswered ones are.
func (c *Census) OnlySYNs() bool {
	const enough = 5
	return c.LoneSYNs+c.SYNs == c.Flows && c.LoneSYNs >= enough && c.LoneSYNs >= c.SYNs
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
