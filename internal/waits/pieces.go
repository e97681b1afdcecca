package waits

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// pieces are what an application sends of a run, with pauses of its own between.
type pieces struct {
	n             uint32
	size          uint32 // of the latest whole one
	odd           uint32 // as many are larger or smaller than the one before, by more than an eighth
	begins        reassembly.Seq
	first, latest int64 // when the first began, and the latest
	apart         int64 // longest time between two
	pause         int64 // longest pause of the application
	spread        int64 // the same, without those that were long among many: time that the path took is no pause
	long          uint32
	spent         int64 // what these took
}

// add notes that a piece begins with the segment, after its application paused for so long.
func (p *pieces) add(seg *reassembly.Segment, pause int64) {
	p.pause = max(p.pause, pause)
	if p.n >= minFrames && pause > evenFrames*p.mean() {
		p.long++
		p.spent += pause
	} else {
		p.spread = max(p.spread, pause)
	}
	if p.n == 0 {
		p.first = seg.At
	} else {
		p.apart = max(p.apart, seg.At-p.latest)
		size := uint32(seg.Seq - p.begins)
		if max(size, p.size)-min(size, p.size) > p.size/8 {
			p.odd++
		}
		p.size = size
	}
	p.n, p.latest, p.begins = p.n+1, seg.At, seg.Seq
}

// How many pieces must come so evenly for them to be a stream. By chance, as at a switchboard, as many come as evenly once
// in twenty times, or once in a hundred.
const (
	minEqual   = 20
	maxOdd     = 10 // one in so many may differ: the first is a header
	minFrames  = 100
	frameTime  = int64(100 * time.Millisecond) // ten pictures a second are a film
	evenEqual  = 2                             // times the mean
	evenFrames = 3
	maxLong    = 200 // one pause in so many may be longer: by chance, one in twenty is
	maxSpent   = 20  // they take one part in so many of the time at most
)

// mean is how long it took from one piece to the next, on average.
func (p *pieces) mean() int64 { return (p.latest - p.first) / int64(max(p.n, 2)-1) }

// steady reports whether the pieces come at the rate of their source: equal ones at equal distances, as from a meter, or
// many a second, as from a camera or a screen.
func (p *pieces) steady() bool {
	if p.n < minEqual {
		return false
	}
	mean := p.mean()
	return p.odd*maxOdd <= p.n && p.apart <= evenEqual*mean ||
		p.frequent() && p.spread <= evenFrames*mean && p.long*maxLong <= p.n && p.spent*maxSpent <= p.latest-p.first
}

// frequent reports whether they are as many and as close as pictures, at whatever distances.
func (p *pieces) frequent() bool { return p.n >= minFrames && p.mean() <= frameTime }
