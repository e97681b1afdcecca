package loss

import (
	"slices"

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

	open     []openResend     // the latest openResends, oldest first
	episodes episodes         // each lasts until what had been sent when it began is acknowledged
	recover  reassembly.Seq   // RFC 6582
	begun    reassembly.Seq   // before the capture began, what is below that had been sent, while midway is set
	probed   reassembly.Seq   // what was in flight when something was last sent again, while probing is set
	hole     reassembly.Block // what was in flight when the receiver last showed holes
	gapNxt   reassembly.Seq   // where the receiver stood at the later of gapAt and since
	headTS   uint32           // timestamp of the first pending one, if that is marked as the head
	thirds   uint32           // segments that were sent a third time, and on
	stamps   stamps
	shown    int64               // when the receiver last showed holes
	since    int64               // when it first showed these
	gapAt    int64               // when it first showed one after it had none
	first    int64               // when the earliest of stamps was captured
	until    int64               // when it was last sent again, or that was answered
	tooLarge int64               // when an ICMP error last said that a segment is too large; 0 if none did
	sacked   [4]reassembly.Block // what the receiver last had beyond the hole
	una      reassembly.Seq      // SND.UNA after the last event
	slack    uint16              // how many milliseconds before waiting that may have begun, rounded up
	states   [2]fsm.State        // both ends' at until
	cause    trigger             // of the episode, which lasts until all before recover is acknowledged
	sacks    uint8               // how many of sacked are filled; 0 = duplicate ACKs showed the hole
	arrived  uint8               // segments beyond the hole that duplicate ACKs show to have arrived, and that were not sent again yet
	unshown  bool                // nothing had shown a hole when the episode began, and nothing was acknowledged since
	settled  uint8               // how many of open, from the first on, were acknowledged, and have told what that ACK can tell
	probing  bool
	reports  bool // the receiver has SACK
	midway   bool

	late    *lateResends // nil if there are none
	timed   *timer       // nil if no interval is known
	slow    slowAnswers
	skipped skippedIDs
}

// count counts what is pending among all.
func (a *resends) count() {
	a.total.add(&a.pending)
	a.pending = counts{}
}

// An openResend is a segment that was sent again, and may yet prove spurious. With loss, a connection has several: it takes 64 bytes.
type openResend struct {
	reassembly.Block
	old     reassembly.Seq   // where what it has new begins; To if it has nothing new
	twice   reassembly.Block // what D-SACKs have shown of it to have arrived twice
	frame   uint32
	sent    reassembly.Seq // what had been sent by then; while open is set
	rest    uint32         // what the original had beyond this part of it, in bytes, if this is the second; else 0
	age     uint32         // how many microseconds before it was sent for the first time, if this is the second and nothing else is in flight; else 0
	episode uint16         // of which it is
	trigger trigger
	doubt   doubt
	at      int64
	soon    int64 // after how many nanoseconds its ACK came, if it is the second and may answer the first; else 0
	open    bool  // it was not acknowledged yet
	alone   bool  // nothing else was in flight
	head    bool  // holds the oldest byte, is the first pending one, and has a timestamp
	early   bool  // it counts as such
	// foremost says that SACK had shown nothing beyond it to have arrived: nothing can have overtaken the original, as far as
	// its sender knew.
	foremost bool
	unseen   bool // its original was not captured, so far
	older    bool // its original was sent before the capture began
}

// A lateResend was acknowledged when it was sent again: it draws a D-SACK of its own.
type lateResend struct {
	reassembly.Block
	owed reassembly.Seq // D-SACKs have answered what is before this
}

// lateResends are the latest of them, oldest first.
type lateResends struct {
	n  int
	of [openResends]lateResend
}

// list is all of them; none of nil.
func (l *lateResends) list() []lateResend {
	if l == nil {
		return nil
	}
	return l.of[:l.n]
}

// A doubt is why a segment that was sent again need not have been lost, though nothing
// proves that it was not.
type doubt uint8

const (
	noDoubt    doubt = iota
	unfounded        // duplicate ACKs made the sender send again that nothing after the segment can have drawn
	notKept          // duplicate ACKs show that as many segments beyond the hole arrived: the receiver keeps only what comes in order
	unanswered       // nothing that was sent since was acknowledged any more
	onItsWay         // the receiver answered one by one what was sent before it, until the end: the turn of its answer had not come
	doubts
)

const openResends = mostRoom

var openRooms rooms[openResend]

// begin starts the count with the first segment that is sent again.
func (a *resends) begin(ev fsm.Event, r *detectors.Report) {
	a.base = r.Conn.Bytes(ev.Side)
	if ev.Kind == fsm.DataResent {
		a.base -= uint64(ev.Seg.Len) - again(ev)
	}
}

// again is how much of the payload was sent before. What lies beyond all that was sent is new.
func again(ev fsm.Event) uint64 {
	if ev.Place == reassembly.Overlap {
		return uint64(ev.Seg.Len) - uint64(ev.Fresh)
	}
	return uint64(ev.Seg.Len)
}

// sent is all payload since then, counted as often as it was captured.
func (a *resends) sent(side reassembly.Side, r *detectors.Report) float64 {
	return float64(r.Conn.Bytes(side) - min(a.base, r.Conn.Bytes(side)) + a.total.bytes)
}

// goesUntil says that a finding speaks of trace time at, too: it ends there, and has the states of then, whatever
// the connection did later.
func (a *resends) goesUntil(at int64, r *detectors.Report) {
	if at >= a.until {
		a.until, a.states = at, r.StatesNow(at)
	}
}

// resent takes a segment that the side sent again, and says whether the side's timer had
// just expired, and whether the segment's ACK had been captured by then.
func (a *resends) resent(ev fsm.Event, r *detectors.Report) (expired, late bool) {
	seg, out := ev.Seg, r.Conn.Stream(ev.Side)
	a.goesUntil(seg.At, r)
	block := reassembly.Block{From: seg.Seq, To: seg.End()}
	k, expired := a.triggerOf(ev, &out, r)
	sent := out.Nxt.Max(ev.Was.Seq) // an empty segment shows that, too
	if a.probing && !out.Covered(a.probed) {
		sent = sent.Max(a.probed)
	}
	a.probed, a.probing = sent, true
	third := a.wasResent(block)
	if third {
		a.thirds++
	}
	a.slow.add(ev, k, a.since, third || !out.Oldest(seg.Seq), r)
	if ev.Was.Seq == seg.Seq && ev.Was.Len == seg.Len && out.Oldest(seg.Seq) {
		if a.timed == nil {
			a.timed = new(timer)
		}
		a.timed.add(seg.At - ev.Was.At)
	}
	n := again(ev)
	unseen := ev.Place == reassembly.Filling || ev.Place == reassembly.Fresh // its original was not captured
	if unseen && a.total.all()+a.pending.all() > 0 {                         // not new, too
		a.base += n
	}
	if a.episodes.n == 0 || out.Covered(a.recover) && !(k == a.cause && a.goesOn(ev, r.Conn.RTT())) {
		a.episodes.begin()
		a.cause, a.recover, a.arrived = k, out.Nxt, 0
		a.unshown = ev.Dups == 0 && !r.Conn.LossShown(ev.Side) && (a.shown == 0 || out.Covered(a.hole.To))
	} else if k == fast || k == timeout {
		a.cause = k
	}
	a.episodes.resent()
	known := ev.Place != reassembly.Overlap || ev.Was.End().After(seg.Seq) // else its ACK may be all that is known of the original
	switch {
	case known && out.Covered(seg.Seq+reassembly.Seq(n)): // what lies beyond is new
		a.episodes.needless(a.episodes.last())
		a.total.by[k]++
		a.total.noteNotLost().spurious[k]++
		a.total.bytes += n
		a.total.noteNotLost().spuriousBytes += n
		a.owe(block)
		return false, true
	case a.hasSACKed(block):
		a.episodes.needless(a.episodes.last())
		a.pending.noteNotLost().sacked++
		a.pending.noteNotLost().spuriousBytes += n
	default:
		a.remember(ev, k, n, unseen, &out, r)
	}
	p := &a.pending
	p.by[k]++
	p.bytes += n
	return expired, false
}

// remember keeps what was sent again, n bytes of payload, as long as it may prove spurious. unseen
// says that its original was not captured.
func (a *resends) remember(ev fsm.Event, k trigger, n uint64, unseen bool, out *reassembly.Stream, r *detectors.Report) {
	seg, was := ev.Seg, ev.Was
	o := openResend{Block: reassembly.Block{From: seg.Seq, To: seg.End()}, old: seg.Seq + reassembly.Seq(n), frame: seg.Frame, sent: out.Nxt, episode: a.episodes.last(), open: true, trigger: k, at: seg.At}
	o.alone = out.Oldest(seg.Seq) && seg.End() == out.Nxt
	o.foremost = a.sacks > 0 && !r.Reach[ev.Side].After(o.From)
	p := &a.pending
	if p.all() == 0 { // nothing else is in doubt
		if o.alone && ev.Age > 0 {
			o.age = ev.Age
		}
		if was.Seq == seg.Seq && was.End().After(o.To) && was.Len <= r.Conn.EffSndMSS() {
			o.rest = uint32(was.End() - o.To)
		}
		if seg.Opts.Has&reassembly.HasTimestamps != 0 && out.Oldest(seg.Seq) {
			o.head, a.headTS = true, seg.Opts.TSVal
		}
	}
	if o.doubt = a.doubts(ev, k, out, r); o.doubt != noDoubt {
		p.noteNotLost().doubtful[o.doubt]++
		p.noteNotLost().doubtfulBytes += n
	}
	if len(a.open) == openResends {
		a.settleSoon(ev.Side, r)
		a.close(0)
	}
	switch _, captured := r.Conn.SYNOptions(ev.Side); {
	case unseen && !captured && out.Knows(reassembly.KnowISS) && seg.Seq == out.ISS+1, // its first byte, though what captured it missed its SYN, too
		unseen && a.midway && seg.End().AtOrBefore(a.begun), !unseen && !out.Knows(reassembly.KnowISS) && !seg.Seq.After(out.ISS):
		o.older = true
		p.noteNotLost().older++
	case unseen:
		o.unseen = true
		p.unseen++
	}
	a.open = append(openRooms.more(a.open), o)
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
	// Where a fast retransmission was lost, too, nothing shows that the receiver does not keep what comes out of order.
	if first && a.sacks == 0 && !a.resentFast(seg) {
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
