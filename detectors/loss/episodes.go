package loss

// episodes are those of a sender: in each it sends again what it takes for lost.
type episodes struct {
	n       uint32 // how many began
	unasked uint32 // in how many nothing was lost, as far as is known
	latest  [openResends]episode
}

// An episode is how many segments were sent again in it, and how many of these for nothing.
type episode struct{ number, all, needless uint32 }

func (e *episodes) begin() {
	e.n++
	*e.of(e.n) = episode{number: e.n}
}

func (e *episodes) of(number uint32) *episode { return &e.latest[number%openResends] }

// resent counts a segment that was sent again.
func (e *episodes) resent() {
	last := e.of(e.n)
	if last.all > 0 && last.needless == last.all {
		e.unasked--
	}
	last.all++
}

// needless takes proof that one of the segments of that episode had arrived.
func (e *episodes) needless(number uint32) {
	was := e.of(number)
	if was.number != number { // long ago
		return
	}
	if was.needless++; was.needless == was.all {
		e.unasked++
	}
}

// withLoss is in how many something must have been lost.
func (e *episodes) withLoss() uint32 { return e.n - e.unasked }
