package loss

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// resends counts what one side sent again, by trigger, and how much of it was
// spurious. It keeps the latest few while proof of that may come. What was sent again
// before an ACK of anything new counts only from that ACK on: if nothing is
// acknowledged any more, the problem is not loss.
type resends struct {
	total   counts
	pending counts // since something new was last acknowledged
	base    uint64 // payload that was sent before the first retransmission

	open     [openResends]openResend // the latest, oldest first
	opened   uint8
	cause    trigger             // of the episode, which lasts until all before recover is acknowledged
	sacks    uint8               // how many of sacked are filled; 0 = duplicate ACKs showed the hole
	arrived  uint8               // segments beyond the hole that duplicate ACKs show to have arrived, and that were not sent again yet
	episodes uint32              // each lasts until what had been sent when it began is acknowledged
	recover  reassembly.Seq      // RFC 6582
	probed   reassembly.Seq      // what was in flight at the last tail loss probe, while probing is set
	hole     reassembly.Block    // what was in flight when the receiver last showed holes
	shown    int64               // when that was
	since    int64               // when it first showed these
	asked    stamp               // of that ACK
	earliest stamp               // of the first ACK that showed any
	tooLarge int64               // when an ICMP error last said that a segment is too large; 0 if none did
	sacked   [4]reassembly.Block // what the receiver then had beyond the hole

	again   reassembly.Block // the last that was sent again although it was acknowledged
	headTS  uint32           // timestamp of the first pending one, if that is marked as the head
	agains  uint8            // how often again was sent, without a D-SACK so far
	thirds  uint32           // segments that were sent a third time, and on
	timed   timer
	probing bool
}

// A timer is after what times segments were sent again that were the last, with all before them acknowledged.
type timer struct {
	n           uint32
	least, most int64 // nanoseconds
	answered    int64 // within how many nanoseconds all were acknowledged then
}

func (t *timer) add(interval int64) {
	if t.n++; t.n == 1 {
		t.least = interval
	}
	t.least, t.most = min(t.least, interval), max(t.most, interval)
}

// An openResend is a segment that was sent again, and may yet prove spurious.
type openResend struct {
	reassembly.Block
	twice   reassembly.Block // what D-SACKs have shown of it to have arrived twice
	frame   uint32
	rest    uint32 // what the original had beyond this part of it, in bytes, if this is the second; else 0
	at      int64
	first   int64 // when it was sent for the first time, if this is the second and nothing else is in flight; else 0
	soon    int64 // after how many nanoseconds its ACK came, if it is the second and may answer the first; else 0
	trigger trigger
	doubt   doubt
	head    bool // holds the oldest byte, is the first pending one, and has a timestamp
	early   bool // it counts as such
	unseen  bool // its original was not captured, so far
	older   bool // its original was sent before the capture began
}

// A doubt is why a segment that was sent again need not have been lost, though nothing
// proves that it was not.
type doubt uint8

const (
	noDoubt    doubt = iota
	unfounded        // duplicate ACKs made the sender send again that nothing after the segment can have drawn
	notKept          // duplicate ACKs show that as many segments beyond the hole arrived: the receiver keeps only what comes in order
	unanswered       // nothing that was sent since was acknowledged any more
	doubts
)

const openResends = 8

// counts are numbers of segments that were sent again, and their payload.
type counts struct {
	by            [triggers]uint32
	spurious      [triggers]uint32 // of these, as the ACK of the original shows, or a second arrival
	sacked        uint32           // spurious, too: SACK had acknowledged them
	early         uint32           // spurious, too: the ACK came too soon to answer them
	doubtful      [doubts]uint32   // that need not have been lost
	unseen        uint32           // whose original was not captured
	older         uint32           // whose original was sent before the capture began
	bytes         uint64
	spuriousBytes uint64
	doubtfulBytes uint64
}

func (c *counts) add(o *counts) {
	for k := range c.by {
		c.by[k] += o.by[k]
		c.spurious[k] += o.spurious[k]
	}
	for d := range c.doubtful {
		c.doubtful[d] += o.doubtful[d]
	}
	c.sacked += o.sacked
	c.early += o.early
	c.unseen += o.unseen
	c.older += o.older
	c.bytes += o.bytes
	c.spuriousBytes += o.spuriousBytes
	c.doubtfulBytes += o.doubtfulBytes
}

func (c *counts) all() uint32         { return sum(c.by[:]) }
func (c *counts) allSpurious() uint32 { return sum(c.spurious[:]) + c.sacked + c.early }

// lost is how many cannot but have been lost, and their payload.
func (c *counts) lost() (n uint32, bytes uint64) {
	n, bytes = c.allSpurious()+sum(c.doubtful[:]), c.spuriousBytes+c.doubtfulBytes
	return c.all() - min(n, c.all()), c.bytes - min(bytes, c.bytes)
}

func sum(counts []uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}

// begin starts the count with the first segment that is sent again.
func (a *resends) begin(ev fsm.Event, r *detectors.Report) {
	a.base = r.Conn.Bytes(ev.Side)
	if ev.Kind == fsm.DataResent {
		a.base -= uint64(ev.Seg.Len) - again(ev)
	}
}

// again is how much of the payload was sent before. What lies beyond the segment before it is new.
func again(ev fsm.Event) uint64 {
	seg, was := ev.Seg, ev.Was.End()
	if ev.Place == reassembly.Overlap && was.After(seg.Seq) && was.Before(seg.End()) {
		return uint64(was - seg.Seq)
	}
	return uint64(seg.Len)
}

// sent is all payload since then, counted as often as it was captured.
func (a *resends) sent(side reassembly.Side, r *detectors.Report) float64 {
	return float64(r.Conn.Bytes(side) - min(a.base, r.Conn.Bytes(side)) + a.total.bytes)
}

// resent takes a segment that the side sent again, and says whether the side's timer had
// just expired, and whether the segment's ACK had been captured by then.
func (a *resends) resent(ev fsm.Event, r *detectors.Report) (expired, late bool) {
	seg, out := ev.Seg, r.Conn.Stream(ev.Side)
	k, expired := a.triggerOf(ev, &out, r)
	if a.wasResent(reassembly.Block{From: seg.Seq, To: seg.End()}) {
		a.thirds++
	}
	if ev.Was.Seq == seg.Seq && ev.Was.Len == seg.Len && out.Oldest(seg.Seq) {
		a.timed.add(seg.At - ev.Was.At)
	}
	n := again(ev)
	unseen := ev.Place == reassembly.Filling || ev.Place == reassembly.Fresh // its original was not captured
	if unseen && a.total.all()+a.pending.all() > 0 {                         // not new, too
		a.base += n
	}
	if a.episodes == 0 || out.Covered(a.recover) && !(k == a.cause && a.goesOn(ev, r.Conn.RTT())) {
		a.episodes++
		a.cause, a.recover, a.arrived = k, out.Nxt, 0
	} else if k == fast || k == timeout {
		a.cause = k
	}
	if out.Covered(seg.Seq + reassembly.Seq(n)) { // what lies beyond is new
		a.total.by[k]++
		a.total.spurious[k]++
		a.total.bytes += n
		a.total.spuriousBytes += n
		if b := (reassembly.Block{From: seg.Seq, To: seg.End()}); a.again != b {
			a.again, a.agains = b, 0
		}
		a.agains++
		return false, true
	}
	o := openResend{Block: reassembly.Block{From: seg.Seq, To: seg.End()}, frame: seg.Frame, trigger: k, at: seg.At}
	if a.pending.all() == 0 && out.Oldest(seg.Seq) && seg.End() == out.Nxt && ev.Age > 0 {
		o.first = seg.At - int64(ev.Age)*int64(time.Microsecond)
	}
	if was := ev.Was; a.pending.all() == 0 && was.Seq == seg.Seq && was.End().After(o.To) && was.Len <= r.Conn.EffSndMSS() {
		o.rest = uint32(was.End() - o.To)
	}
	if a.hasSACKed(o.Block) {
		a.pending.by[k]++
		a.pending.sacked++
		a.pending.bytes += n
		a.pending.spuriousBytes += n
		return expired, false
	}
	if o.doubt = a.doubts(ev, k, &out, r); o.doubt != noDoubt {
		a.pending.doubtful[o.doubt]++
		a.pending.doubtfulBytes += n
	}
	if a.pending.all() == 0 && seg.Opts.Has&reassembly.HasTimestamps != 0 && out.Oldest(seg.Seq) {
		o.head, a.headTS = true, seg.Opts.TSVal
	}
	if a.opened == openResends {
		a.settleSoon(ev.Side, r)
		a.close(0)
	}
	if o.unseen = unseen; unseen {
		a.pending.unseen++
	} else if o.older = !out.Knows(reassembly.KnowISS) && !seg.Seq.After(out.ISS); o.older {
		a.pending.older++
	}
	a.open[a.opened] = o
	a.opened++
	a.pending.by[k]++
	a.pending.bytes += n
	return expired, false
}

// hasSACKed reports whether the receiver had all of the block, by the SACK that last showed
// a hole: what is sent again of it had arrived, though after a timeout the sender has to
// forget that (RFC 2018 8).
func (a *resends) hasSACKed(b reassembly.Block) bool {
	return slices.ContainsFunc(a.sacked[:a.sacks], func(s reassembly.Block) bool { return s.Holds(b) })
}

// doubts is why the original of what is sent again need not have been lost.
func (a *resends) doubts(ev fsm.Event, k trigger, out *reassembly.Stream, r *detectors.Report) doubt {
	seg, was := ev.Seg, ev.Was
	first := k == timeout && out.Oldest(seg.Seq) && ev.Dups > 0
	if first && a.sacks == 0 {
		a.arrived = ev.Dups
	}
	switch {
	case a.sacks > 0 || first || ev.Place != reassembly.Repeat:
	// A receiver sends a duplicate ACK for what arrives beyond a hole (RFC 5681 4.2). Three of
	// them show none if no more than one segment was sent beyond it.
	case k == fast && out.Oldest(seg.Seq) && r.Conn.LossShown(ev.Side) &&
		(seg.End() == out.Nxt || was.Len > 0 && was.Seq == seg.End() && was.End() == out.Nxt):
		return unfounded
	// Each duplicate ACK shows that a segment arrived. If a timer has to expire and all is sent
	// again, the receiver did not keep it.
	case k == timeout && a.arrived > 0:
		a.arrived--
		return notKept
	}
	return noDoubt
}

// acked takes the first ACK of anything new of the side's after it sent something again. If
// its timestamp shows that this was spurious, it returns the resend.
func (a *resends) acked(ack *reassembly.Segment, side reassembly.Side, r *detectors.Report) (o openResend, is bool) {
	sole := a.pending.all() == 1
	if a.opened > 0 {
		a.timed.answered = max(a.timed.answered, ack.At-a.open[a.opened-1].at)
	}
	a.total.add(&a.pending)
	a.pending = counts{}
	for i := range a.open[:a.opened] {
		if o := &a.open[i]; o.first != 0 && o.To.AtOrBefore(ack.Ack) && !o.head {
			if answersFirst(ack.At-o.first, ack.At-o.at, side, r) {
				a.wasEarly(o)
			} else {
				o.soon = ack.At - o.at
			}
		}
		a.open[i].first = 0
	}
	for i := range a.open[:a.opened] {
		o := &a.open[i]
		whole, rest := o.To+reassembly.Seq(o.rest), o.rest
		o.rest = 0
		// A packet arrives as a whole, or not at all: what lies beyond the part that was sent again
		// came with the original.
		if sole && rest != 0 && whole.AtOrBefore(ack.Ack) {
			return a.wasSpurious(i), true
		}
	}
	for i := range a.open[:a.opened] {
		if !a.open[i].head {
			continue
		}
		a.open[i].head = false
		// EIFEL: the ACK echoes what was stamped before the segment was sent again, so
		// it answers the original (RFC 3522 3.2).
		if ack.Opts.Has&reassembly.HasTimestamps != 0 && ack.Opts.TSEcr != 0 &&
			reassembly.Seq(ack.Opts.TSEcr).Before(reassembly.Seq(a.headTS)) {
			return a.wasSpurious(i), true
		}
	}
	return o, false
}

// leftOver counts what was sent again after anything new was last acknowledged: whether it, or what
// it repeats, was lost is not known, unless the tap did not see that. It returns how many these are.
func (a *resends) leftOver() uint32 {
	p := &a.pending
	n, bytes := p.lost()
	if all := p.all(); all > 0 {
		known := min(p.unseen+p.older, n)
		p.doubtful[unanswered] += n - known
		p.doubtfulBytes += bytes * uint64(n-known) / uint64(max(n, 1))
		a.total.add(p)
		a.pending = counts{}
		return all
	}
	return 0
}

// arrivedTwice takes a D-SACK: what it reports had been sent again for nothing, if it had
// been (RFC 2883 5). Of what was sent again although it was acknowledged, that is known.
func (a *resends) arrivedTwice(twice reassembly.Block) (o openResend, is bool) {
	if a.agains > 0 && a.again == twice {
		a.agains--
		return o, false
	}
	for i := range a.open[:a.opened] {
		if a.open[i].isTwice(twice) {
			return a.wasSpurious(i), true
		}
	}
	return o, false
}

// isTwice takes a D-SACK, and reports whether all that was sent again has arrived twice by now. Of a
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
	return twice.Holds(o.Block)
}

// cameLate takes what was captured late. If it had been sent again by then, that was spurious.
func (a *resends) cameLate(ev fsm.Event) (o openResend, is bool) {
	if ev.Place != reassembly.Repeat {
		return o, false
	}
	for i := range a.open[:a.opened] {
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
	if a.pending.by[o.trigger] > a.pending.spurious[o.trigger] {
		c = &a.pending
	}
	if o.unseen {
		c.unseen--
	} else if o.older {
		c.older--
	}
	c.spurious[o.trigger]++
	if o.early {
		c.early--
	} else {
		c.spuriousBytes += uint64(o.To - o.From)
	}
	o.settle(c)
	a.close(i)
	return o
}

// settle takes a segment out of those in doubt, where c has counted it.
func (o *openResend) settle(c *counts) {
	if o.doubt != noDoubt {
		c.doubtful[o.doubt]--
		c.doubtfulBytes -= uint64(o.To - o.From)
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
	a.total.early++
	a.total.spuriousBytes += uint64(o.To - o.From)
	o.settle(&a.total)
}

// settleSoon counts those whose ACK came in much less than a round trip as early: of the
// handshake, and of what was timed until now.
func (a *resends) settleSoon(side reassembly.Side, r *detectors.Report) {
	for i := range a.open[:a.opened] {
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
	copy(a.open[i:], a.open[i+1:a.opened])
	a.opened--
}
