package waits

import "github.com/tcptrace-go/tcptrace/reassembly"

// trips are the round trips between tap and one side during a run. An account has those of the receiver, and few runs
// show any of the sender: these are apart.
type trips struct {
	sum    int64
	ends   int64 // of these, what came after the last payload that still echoed an older timestamp
	raised int64 // of sum, what stood a quarter and a millisecond above those that do not queue
	lone   int64 // the shortest in which nothing else was in flight; 0 = none
	n      uint32
	long   uint32 // how many were one and a half times the smallest of the connection so far, or more
}

// noteTrips are those of an end, to be written.
func (l *aside) noteTrips(a *Account, e *end) *trips {
	if e == a.end(a.run.side) {
		return l.trips.write(&a.behind)
	}
	return &a.trips
}

// tripsOf are those of a side, to be read only.
func (l *aside) tripsOf(a *Account, side reassembly.Side) *trips {
	if side == a.run.side {
		return l.trips.read(a.behind, &noTrips)
	}
	return &a.trips
}

var noTrips trips

// add adds one; least is the smallest of the connection.
func (t *trips) add(ns, least int64) {
	if ns > least+least/2 {
		t.long++
	}
	if base := t.unqueued(least); ns > base+max(base/4, 1_000_000) {
		t.raised += ns
	}
	t.sum += ns
	t.n++
}

// unqueued is how long one takes if nothing queues: as long as for a lone segment, if the side delays the ACK of that.
func (t *trips) unqueued(least int64) int64 {
	if held := t.lone - least; held >= minHeld && held <= maxDelayedACK {
		return t.lone
	}
	return least
}

// show reports whether they show a queue, if there is one.
func (t *trips) show() bool { return t.n >= minSamples || t.long >= minLong && 2*t.long >= t.n }

// queue is by how much the mean round trip of the run is above the smallest: between tap and receiver
// as acknowledgments show, if these count (acks), between sender and tap as its clock does, or the time from an acknowledgment to
// the payload that echoes its timestamp, less the pauses of its application: as long as payload still echoes an older one, that
// is the path's time. unqueued is in how many percent of that time round trips were about as short as the smallest: a few
// long ones make the mean long, too.
func (s *step) queue(acks bool) (ns int64, unqueued uint8) {
	r := &s.run
	e, sender, receiver := &s.ends[r.side], s.told.tripsOf(s.Account, r.side), &s.trips
	most := sender
	if t := receiver; acks && t.show() {
		if ns = max(t.sum/int64(t.n)-s.beyond(), 0); ns > 0 {
			most = receiver
		}
	}
	if t := sender; t.show() {
		pauses := t.ends // a few may be long because of pauses that are not known as such
		if t.n >= minSamples {
			pauses = min(pauses, s.pausesOfRun())
		}
		before := (t.sum-pauses)/int64(t.n) - e.rtt
		if lag := s.told.shape(r).lag.mean(e); lag <= 2*t.sum/int64(t.n) { // else the clock is wrong: what payload echoes passed the tap later
			before = max(before, lag)
		}
		if before > ns {
			most = sender
		}
		ns += before
	}
	if most.sum > 0 {
		unqueued = uint8(100 * (most.sum - most.raised) / most.sum)
	}
	return ns, unqueued
}

// beyond is the round trip between tap and receiver of the run: the smallest, unless one alone was so short, as when
// something between acknowledges the first segment, and all took about as long as the handshake.
func (s *step) beyond() int64 {
	receiver := s.run.side.Peer()
	least, t, handshake := s.ends[receiver].rtt, &s.trips, int64(s.conn.Relayed(receiver))
	if t.n > t.long+1 || t.n == 0 {
		return least
	}
	if mean := t.sum / int64(t.n); mean < handshake/2 || mean > handshake+handshake/4 {
		return least
	}
	return handshake
}

// pausesOfRun is how long applications paused during the run that ends, or that was marked last, in nanoseconds.
func (s *step) pausesOfRun() int64 {
	if n := s.run.marked; n != 0 {
		return s.told.marked.at(n).paused()
	}
	return s.told.rareOf(s.Account).rested
}
