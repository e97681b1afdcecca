package kernel

import (
	"math/rand/v2"
	"time"
)

// A leg is a stretch of the path in one direction, between a host and the tap. The zero
// value passes all packets at once.
type leg struct {
	delay time.Duration
	rate  float64 // bytes a second; 0 = no limit
	queue int     // bytes that may wait for it; more is dropped
	loss  float64 // share of packets that are lost
	free  int64   // when all that waits will have left, in nanoseconds since 1970
}

// pass takes a packet of so many bytes at time now. It returns how long that takes, and
// whether it comes out at all. r is asked if packets are lost at random.
func (l *leg) pass(bytes int, now int64, r *rand.Rand) (took time.Duration, ok bool) {
	if l.loss > 0 && r.Float64() < l.loss {
		return 0, false
	}
	if l.rate == 0 {
		return l.delay, true
	}
	waits := max(l.free-now, 0)
	if float64(waits)*l.rate/1e9 > float64(l.queue) {
		return 0, false
	}
	l.free = now + waits + int64(float64(bytes)/l.rate*1e9)
	return time.Duration(l.free-now) + l.delay, true
}

// over takes a packet over a leg, and calls then at its end, unless it is lost.
func (w *wire) over(p *packet, which int, then func()) {
	took, ok := w.legs[p.from][which].pass(len(p.data), time.Now().UnixNano(), w.random)
	if !ok {
		p.lost[which]++
	}
	if p.lost[which] == 0 {
		w.after(took+p.late[which], then)
	}
}

// A lateness is for how long something was late in all, in nanoseconds.
type lateness struct{ sum, until int64 }

// add adds that what was due came only now.
func (l *lateness) add(due, now int64) {
	const usual = 1_000_000 // a timer's
	l.sum += max(now-max(due+usual, l.until), 0)
	l.until = max(l.until, now)
}
