package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// acked takes the first ACK of anything new of the side's after it sent something again. If
// its timestamp shows that this was spurious, it returns the resend.
func (a *resends) acked(ev fsm.Event, r *detectors.Report) (o openResend, is bool) {
	ack, side := ev.Seg, ev.Side
	sole := a.pending.all() == 1
	a.goesUntil(ack.At, r)
	if a.timed != nil && len(a.open) > 0 {
		a.timed.answered = max(a.timed.answered, ack.At-a.open[len(a.open)-1].at)
	}
	a.count()
	first := int(a.settled)
	for i := first; i < len(a.open); i++ {
		if o := &a.open[i]; o.age != 0 && o.To.AtOrBefore(ack.Ack) && !o.head {
			if took := ack.At - o.at; answersFirst(took+int64(o.age)*int64(time.Microsecond), took, side, r) {
				a.wasEarly(o)
			} else {
				o.soon = took
			}
		}
		a.open[i].age = 0
	}
	if o, is = a.noHole(ev, r); is {
		return o, is
	}
	for i := first; i < len(a.open); i++ {
		o := &a.open[i]
		whole, rest := o.To+reassembly.Seq(o.rest), o.rest
		o.rest = 0
		// A packet arrives as a whole, or not at all: what lies beyond the part that was sent again
		// came with the original.
		if sole && rest != 0 && whole.AtOrBefore(ack.Ack) {
			return a.wasSpurious(i), true
		}
	}
	for i := first; i < len(a.open); i++ {
		if !a.open[i].head {
			continue
		}
		a.open[i].head = false
		// EIFEL: the ACK echoes what was stamped before the segment was sent again, so
		// it answers the original (RFC 3522 3.2).
		if echo, is := detectors.Echo(r.Conn, ack); is && echo != 0 && echo.Before(reassembly.Seq(a.headTS)) {
			return a.wasSpurious(i), true
		}
	}
	for first < len(a.open) && !a.open[first].open {
		first++
	}
	a.settled = uint8(first)
	return o, false
}

// noHole counts what was sent again and is acknowledged now as early, if nothing explains why it was sent again, and a full
// segment beyond all of it, which had been sent before, is acknowledged, too, and drew no duplicate ACK: each segment beyond
// a hole does (RFC 5681 4.2), so nothing was missing. Where timestamps tell, they do.
func (a *resends) noHole(ev fsm.Event, r *detectors.Report) (last openResend, is bool) {
	ack := ev.Seg.Ack
	echo, stamped := detectors.Echo(r.Conn, ev.Seg)
	silent := a.unshown && ev.Dups == 0 && !(stamped && echo != 0) && r.Conn.Limits()&fsm.AcksFiltered == 0
	if a.unshown = false; !silent { // nearly always
		for i := int(a.settled); i < len(a.open); i++ {
			if a.open[i].To.AtOrBefore(ack) {
				a.open[i].open = false
			}
		}
		return last, false
	}
	for i := int(a.settled); i < len(a.open); i++ {
		if o := &a.open[i]; o.open && o.To.AtOrBefore(ack) && (last.frame == 0 || last.To.Before(o.To)) {
			last = *o
		}
	}
	silent = last.frame != 0 && last.trigger == unknownTrigger && last.To.To(last.beyond(ack)) >= int32(r.Conn.EffSndMSS())
	for i := int(a.settled); i < len(a.open); i++ {
		o := &a.open[i]
		if !o.open || !o.To.AtOrBefore(ack) {
			continue
		}
		o.open = false
		if silent && !o.unseen && !o.older && !o.early {
			a.wasEarly(o)
			is = true
		}
	}
	return last, is
}

// beyond is how far the ACK reaches of what had been sent by then.
func (o *openResend) beyond(ack reassembly.Seq) reassembly.Seq {
	if ack.Before(o.sent) {
		return ack
	}
	return o.sent
}

// leftOver counts what was sent again after anything new was last acknowledged: whether it, or what
// it repeats, was lost is not known, unless the tap did not see that. It returns how many these are.
func (a *resends) leftOver() uint32 {
	p := &a.pending
	n, bytes := p.lost()
	if all := p.all(); all > 0 {
		known := min(p.unseen+p.notLost().older, n)
		p.noteNotLost().doubtful[unanswered] += n - known
		p.noteNotLost().doubtfulBytes += bytes * uint64(n-known) / uint64(max(n, 1))
		a.count()
		return all
	}
	return 0
}

// arrivedTwice takes a D-SACK: what it reports had been sent again for nothing, if it had
// been (RFC 2883 5). Of what was sent again although it was acknowledged, that is known. A receiver that joins segments (GRO, LRO) reports
// all of them in one block, each once. It returns the first.
func (a *resends) arrivedTwice(ack *reassembly.Segment, r *detectors.Report) (o openResend, is bool) {
	twice := ack.Opts.Blocks[0]
	a.reports = true
	if a.owed(twice) {
		return o, false
	}
	for i, next := 0, twice.From; i < len(a.open); {
		if is && a.open[i].From.Before(next) || !a.open[i].isTwice(twice) {
			i++
			continue
		}
		next = a.open[i].To
		if s := a.wasSpurious(i); !is {
			a.goesUntil(ack.At, r)
			o, is = s, true
		}
	}
	return o, is
}

// owe notes what was sent again although it was acknowledged.
func (a *resends) owe(b reassembly.Block) {
	if a.late == nil {
		a.late = new(lateResends)
	}
	l := a.late
	if l.n == openResends {
		l.n = copy(l.of[:], l.of[1:])
	}
	l.of[l.n] = lateResend{b, b.From}
	l.n++
}

// owed reports whether the D-SACK answers, at least in part, what was sent again although it was acknowledged: that is counted.
func (a *resends) owed(twice reassembly.Block) bool {
	for i := range a.late.list() {
		if l := &a.late.of[i]; l.owed.Before(l.To) && twice.Meets(reassembly.Block{From: l.owed, To: l.To}) {
			l.owed = l.owed.Max(twice.To)
			return true
		}
	}
	return false
}

// isTwice takes a D-SACK, and reports whether all that was sent again, without what the segment has new, has arrived twice by now. Of a
// segment that joins several smaller ones, some may have arrived, and the rest not. Several
// D-SACKs may be about what was captured as one: the interface split it.
func (o *openResend) isTwice(twice reassembly.Block) bool {
	if !o.Meets(twice) {
		return false
	}
	if o.twice.Meets(reassembly.Block{From: twice.From - 1, To: twice.To + 1}) {
		if o.twice.From.Before(twice.From) {
			twice.From = o.twice.From
		}
		twice.To = twice.To.Max(o.twice.To)
	}
	o.twice = twice
	return twice.Holds(reassembly.Block{From: o.From, To: o.old})
}

// cameLate takes what was captured late. If it had been sent again by then, that was spurious.
func (a *resends) cameLate(ev fsm.Event) (o openResend, is bool) {
	if ev.Place != reassembly.Repeat {
		return o, false
	}
	for i := range a.open {
		if a.open[i].Meets(reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()}) {
			return a.wasSpurious(i), true
		}
	}
	return o, false
}

// wasSpurious counts the i-th of those open as spurious.
func (a *resends) wasSpurious(i int) openResend {
	o := a.open[i]
	c := &a.total
	if p := &a.pending; p.by[o.trigger] > p.notLost().spurious[o.trigger] {
		c = p
	}
	if o.unseen {
		c.unseen--
	} else if o.older {
		c.noteNotLost().older--
	}
	c.noteNotLost().spurious[o.trigger]++
	if o.trigger == fast && o.foremost {
		c.noteNotLost().foremost++
	}
	if o.early {
		c.noteNotLost().early--
	} else {
		a.episodes.needless(o.episode)
		c.noteNotLost().spuriousBytes += uint64(o.old - o.From)
	}
	o.settle(c)
	a.close(i)
	return o
}

// settle takes a segment out of those in doubt, where c has counted it.
func (o *openResend) settle(c *counts) {
	if o.doubt != noDoubt {
		c.noteNotLost().doubtful[o.doubt]--
		c.noteNotLost().doubtfulBytes -= uint64(o.old - o.From)
		o.doubt = noDoubt
	}
}

// answersFirst reports whether an ACK that came so many nanoseconds after a segment was sent
// first, and again, answers the first: it came a round trip after that, and in less than half of
// one after the other (FreeBSD, tcp_input.c: t_badrxtwin; Allman and Paxson, On Estimating
// End-to-End Network Path Properties, 1999). The round trip is known well enough if all that
// was timed by now took as long as the handshake.
func answersFirst(first, again int64, side reassembly.Side, r *detectors.Report) bool {
	rtt, data := int64(r.Conn.HandshakeRTT(side.Peer())), int64(r.Conn.SRTT(side))
	return data != 0 && max(rtt, data)-min(rtt, data) <= rtt/16 && first >= rtt-rtt/4 && first <= rtt+rtt/4 && again < rtt/2
}

// wasEarly counts one whose ACK came too soon to answer it.
func (a *resends) wasEarly(o *openResend) {
	o.early = true
	a.episodes.needless(o.episode)
	a.total.noteNotLost().early++
	a.total.noteNotLost().spuriousBytes += uint64(o.old - o.From)
	o.settle(&a.total)
}

// settleSoon counts those whose ACK came in much less than a round trip as early: of the
// handshake, and of what was timed until now.
func (a *resends) settleSoon(side reassembly.Side, r *detectors.Report) {
	for i := range a.open {
		if o := &a.open[i]; o.soon != 0 && o.soon < leastRoundTrip(side, r)/muchSooner {
			a.wasEarly(o)
			o.soon = 0
		}
	}
}

// muchSooner is how much sooner than after a round trip an ACK must come to answer an earlier
// segment, where round trips differ.
const muchSooner = 4

// close forgets the i-th of those open.
func (a *resends) close(i int) {
	a.open = append(a.open[:i], a.open[i+1:]...)
	if i < int(a.settled) {
		a.settled--
	}
}
