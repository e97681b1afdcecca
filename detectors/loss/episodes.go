package loss

import "math"

// episodes are those of a sender: in each it sends again what it takes for lost.
type episodes struct {
	n       uint32 // how many began
	unasked uint32 // in how many nothing was lost, as far as is known
	latest  [openResends]episode
}

// An episode is how many segments were sent again in it, 65,535 at most, and how many of these for nothing. Its number is
// the lower half of how many had begun: those that are still asked for are the latest.
type episode struct{ all, needless uint16 }

func (e *episodes) begin() {
	e.n++
	*e.of(e.last()) = episode{}
}

// last is the number of the last that began.
func (e *episodes) last() uint16 { return uint16(e.n) }

func (e *episodes) of(number uint16) *episode { return &e.latest[number%openResends] }

// resent counts a segment that was sent again.
func (e *episodes) resent() {
	last := e.of(e.last())
	if last.all == math.MaxUint16 {
		return
	}
	if last.all > 0 && last.needless == last.all {
		e.unasked--
	}
	last.all++
}

// needless takes proof that one of the segments of that episode had arrived.
func (e *episodes) needless(number uint16) {
	was := e.of(number)
	if e.last()-number >= openResends || was.needless == was.all { // long ago, or not counted
		return
	}
	if was.needless++; was.needless == was.all {
		e.unasked++
	}
}

// withLoss is in how many something must have been lost.
func (e *episodes) withLoss() uint32 { return e.n - e.unasked }
