package reassembly

// Answers hold the ACKs of a receiver without SACK against the segments that were sent to it, one for one. If none was lost and
// none overtaken, each finds all before it there: its ACK acknowledges the furthest that was sent until then, and what was sent again draws
// one that repeats that (RFC 9293 3.10.7.4). As many ACKs as segments, each with that number, show that all of them arrived, however
// often they were sent. Where a segment was lost, or its ACK, or ACKs are delayed, they differ, and the count ends.
type Answers struct {
	counting bool
	flying   bool  // what was in flight when it began is not all acknowledged yet
	arrived  uint8 // of the list, these are shown to have arrived, and were returned
	moved    uint8 // of the list, these had been answered when the last ACK moved
	answered uint8 // of the list, these have been answered
	n        uint8
	again    uint8 // segments in the list that were sent again
	reach    Seq   // the furthest that was acknowledged
	flight   Seq   // where what was in flight ends
	list     [mostAnswers]Sent
}

// Sent is a segment that was sent while answers were counted.
type Sent struct {
	end   Seq
	Again uint32 // its frame if it was sent again, else 0
}

// mostAnswers is how many segments may wait for theirs: what a slow link queues, twice.
const mostAnswers = 32

// Counting reports whether answers are counted.
func (a *Answers) Counting() bool { return a.counting }

// Begin starts with what is in flight: its ACKs come first.
func (a *Answers) Begin(una, nxt Seq) {
	*a = Answers{counting: true, flying: una.Before(nxt), reach: una, flight: nxt}
}

// Break ends the count: something else may draw an ACK, or acknowledges.
func (a *Answers) Break() { a.counting = false }

// Send takes a segment that draws an ACK; again is its frame if it was sent again, else 0.
func (a *Answers) Send(end Seq, again uint32) {
	a.drop()
	if a.n == mostAnswers {
		a.counting = false
		return
	}
	a.list[a.n] = Sent{end, again}
	a.n++
	if again != 0 {
		a.again++
	}
}

// Ack takes a pure ACK; updated says that its window is not that of the one before. It returns the segments that are shown to have arrived by now: a
// repeated ACK counts when the next two that move are those of the next two segments. What is beyond a hole draws such ACKs, too, but what
// fills the hole acknowledges more then, or another hole follows. They are valid until the next call.
func (a *Answers) Ack(ack Seq, updated bool) []Sent {
	a.drop()
	repeats := ack == a.reach
	switch {
	case ack.Before(a.reach) || repeats && (updated || a.flying):
		a.counting = false
		return nil
	case a.flying:
		a.reach, a.flying = ack, ack.Before(a.flight)
		a.counting = ack.AtOrBefore(a.flight)
		return nil
	case a.answered == a.n || a.reach.Max(a.list[a.answered].end) != ack:
		a.counting = false
		return nil
	}
	a.answered++
	if repeats {
		return nil
	}
	a.reach, a.arrived, a.moved = ack, a.moved, a.answered
	return a.list[:a.arrived]
}

// Counted says that what the last ACK answers is counted already.
func (a *Answers) Counted() {
	if a.answered > a.arrived {
		if s := &a.list[a.answered-1]; s.Again != 0 {
			s.Again = 0
			a.again--
		}
	}
}

// drop forgets what was returned. Where nothing was sent again that waits for an answer, there is nothing to count.
func (a *Answers) drop() {
	if a.arrived == 0 {
		return
	}
	for _, s := range a.list[:a.arrived] {
		if s.Again != 0 {
			a.again--
		}
	}
	a.n = uint8(copy(a.list[:], a.list[a.arrived:a.n]))
	a.answered, a.moved, a.arrived = a.answered-a.arrived, a.moved-a.arrived, 0
}

// Rest is what is not shown to have arrived.
func (a *Answers) Rest() []Sent {
	a.drop()
	return a.list[:a.n]
}

// Settled reports whether all that was sent again was answered.
func (a *Answers) Settled() bool {
	a.drop()
	return a.again == 0
}
