package detectors

import "slices"

// MaxTimeout is how long a host waits at most before it sends a segment or a probe again, in nanoseconds: Linux has
// TCP_RTO_MAX, 120 s, and its timer wheel may be late by an eighth of that (kernel/time/timer.c).
const MaxTimeout = 135_000_000_000

// TimerStood is for how long a sender's timer stood still, in nanoseconds, if what it sends again comes so long after the time before, and
// timer is what it waited last, 0 if that is not known: each timeout is twice the one before (RFC 6298 5.5), and none is longer than MaxTimeout.
// Its host was suspended meanwhile, or what it sent then was not captured: its peer was not asked.
func TimerStood(gap, timer int64) int64 {
	const least, factor = 60_000_000_000, 4
	if timer == 0 && gap <= MaxTimeout || gap < least || gap <= factor*timer {
		return 0
	}
	return gap - timer
}

// A Deadline is one thing that is due: an acknowledgment, a resend, an open window.
// It belongs to one watcher, one side and one question; no other can disturb it. The
// zero value waits for nothing.
type Deadline struct {
	since    int64
	frame    uint32 // the anchor of what was reported
	file     uint16
	wait     wait
	reported bool
}

// wait says whether a deadline waits. It is one byte, so that a Deadline takes 16: two are
// armed for every connection that closes.
type wait uint8

const (
	disarmed wait = iota
	moved         // armed, and armed or extended since the framework last asked for the limit
	armed
)

// Arm starts the wait, at trace time since. It forgets what was reported before.
func (d *Deadline) Arm(since int64, r *Report) {
	*d = Deadline{since: since, wait: moved}
	r.moved = true
}

// Extend starts the wait again if the deadline is armed. What was reported stands.
func (d *Deadline) Extend(since int64, r *Report) {
	if d.wait != disarmed {
		d.since, d.wait = since, moved
		r.moved = true
	}
}

// Satisfy ends the wait: it came. If that was late, it withdraws what was reported.
// After Disarm it does nothing.
func (d *Deadline) Satisfy(r *Report) {
	if d.wait != disarmed {
		d.Withdraw(r)
		d.wait = disarmed
	}
}

// Withdraw takes back what was reported, and waits on.
func (d *Deadline) Withdraw(r *Report) {
	if d.reported {
		r.Withdraw(d.file, d.frame)
		d.reported = false
	}
}

// Disarm ends the wait; what was reported stands.
func (d *Deadline) Disarm() { d.wait = disarmed }

// Emit reports that it did not come, or what became of that. From then on the
// deadline is only looked at again when the connection ends.
func (d *Deadline) Emit(f Finding, r *Report) {
	a := &f.Evidence[0].Seg
	d.file, d.frame, d.reported = a.File, a.Frame, true
	r.Emit(f)
}

// Armed reports whether it waits.
func (d *Deadline) Armed() bool { return d.wait != disarmed }

// AnyArmed reports whether any of them waits.
func AnyArmed(all []Deadline) bool {
	return slices.ContainsFunc(all, func(d Deadline) bool { return d.wait != disarmed })
}

// Since is when the wait began, in trace time.
func (d *Deadline) Since() int64 { return d.since }

// Reported reports whether a finding of it stands.
func (d *Deadline) Reported() bool { return d.reported }

// A Waiter is a Watcher with deadlines: for each side one, or for each side and
// question, in an order that is the watcher's own. The framework asks for the limit
// of those that were armed or extended after each event, asks again when it has
// come, and goes through all that are armed once more at the end.
type Waiter interface {
	Watcher
	// Deadlines are the watcher's own, not copies.
	Deadlines() []Deadline
	// Limit is when what the i-th deadline waits for is overdue, as things stand. It is
	// asked again when that time has come: an RTO may have grown meanwhile.
	Limit(i int, r *Report) int64
	// Overdue says that the limit of the i-th deadline has passed, or that the capture
	// ended first. It is called before any later segment, and before End.
	Overdue(i int, o Overdue, r *Report)
}

// Overdue says how a wait ended in vain.
type Overdue struct {
	At    int64 // when it could be said: the limit, or the end if that came first
	Now   int64 // trace time
	Short int64 // nanoseconds by which the capture ended before the limit; 0 if it did not
	Ended bool  // nothing more comes
	Why   Why   // if it ended, the reason
}

// schedule asks for the limits of what was armed or extended.
func (r *Report) schedule(w Waiter) {
	if !r.moved {
		return
	}
	r.moved = false
	ds := w.Deadlines()
	for i := range ds {
		if d := &ds[i]; d.wait == moved {
			d.wait = armed
			r.wakeAt(w.Limit(i, r))
		}
	}
}

// expire reports what is overdue at trace time now, each deadline once; where the
// limit has grown, it waits on. At the end it goes through all that are armed.
func (r *Report) expire(w Waiter, now int64, ended bool, why Why) {
	ds := w.Deadlines()
	for i := range ds {
		d := &ds[i]
		if d.wait == disarmed || d.reported && !ended {
			continue
		}
		switch limit := w.Limit(i, r); {
		case limit <= now:
			w.Overdue(i, Overdue{At: limit, Now: now, Ended: ended, Why: why}, r)
		case ended:
			w.Overdue(i, Overdue{At: now, Now: now, Short: limit - now, Ended: true, Why: why}, r)
		default:
			r.wakeAt(limit)
		}
	}
	r.schedule(w)
}
