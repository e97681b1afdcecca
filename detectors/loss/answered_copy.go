package loss

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Which copy of what was sent again the ACK answers that ends a stall.

// block is what the last that a timeout caused has.
func (s *stall) block() reassembly.Block {
	return reassembly.Block{From: s.resent.Seq, To: s.resent.End()}
}

// resentAfter notes that a block was sent again after the stall.
func (s *stall) resentAfter(b reassembly.Block) {
	if s != nil && b.Meets(s.block()) {
		s.again = true
	}
}

// arrivedTwice takes a D-SACK after the stall: what it ended with had arrived before, unless it was sent again since.
func (s *stall) arrivedTwice(ack *reassembly.Segment) {
	if s != nil && s.resent.At != 0 && ack.Opts.Blocks[0].Holds(s.block()) && ack.At > s.ended.At && !s.again {
		s.spare = true
	}
}

// endedBefore reports whether the ACK that ended it is one of what had been sent before the last retransmission: that had arrived, and was
// held up, or its ACK was, or its ACK was lost.
func (s *stall) endedBefore() bool {
	return s.spare || s.resent.At != 0 && s.ended.Ack.Before(s.resent.End())
}

// answersBefore reports whether an ACK answers the last retransmission but one, so many nanoseconds
// after both: it comes in less than half of a round trip after the last, and before a timeout after
// the other would have passed; later, if it comes in much less.
func answersBefore(before, last int64, side reassembly.Side, r *detectors.Report) bool {
	least := leastRoundTrip(side, r)
	return last < least/muchSooner || last < least/2 && before < int64(r.Conn.RTO(side))
}
