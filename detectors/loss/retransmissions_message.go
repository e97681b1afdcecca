package loss

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// message is what the finding says. Where the capture has holes, it may lack retransmissions, too.
// slow says that the path may be slower than the sender's timeout: then nothing need have been lost.
func (a *resender) message(outcome *detectors.Outcome, stalled *stalls, side reassembly.Side, slow bool, r *detectors.Report) string {
	own, peer := r.Name(side), r.Name(side.Peer())
	t := &a.total
	holes, least, some, from := r.Conn.HoleSince(a.shown.first().At), "", "", "from frame %d on"
	if holes {
		least = "at least "
	}
	if a.perhapsMore(r) {
		some, from = "at least ", "the first of these in frame %d"
	}
	m := fmt.Sprintf("%s retransmitted %s%s ("+from+"), %s%.1f %% of its payload from then on, %s.",
		own, some, a.counted(), a.shown.first().Frame, some, 100*a.share(side, r), t.why())
	switch n := t.allSpurious(); { // others may have been, without a sign of it
	case n == 0:
	case n == t.all():
		m += " All of that was unnecessary: the originals had arrived."
	default:
		m += fmt.Sprintf(" Of these, at least %s unnecessary: the original had arrived.", detectors.Counted(n, "was", "were"))
	}
	if a.lostAcks > 0 {
		atLeast := ""
		if a.lostAcks < a.afterAck { // the others' ACKs came no later
			atLeast = "at least "
		}
		m += fmt.Sprintf(" For %s%d, the ACK had passed the capture point long before: it was lost between there and %s, or it or the retransmission was held up on that way.", atLeast, a.lostAcks, own)
	}
	m += a.doubtful(own, peer)
	never := "never acknowledged"
	if a.awaited {
		never = "not acknowledged before the capture ended"
	}
	if r.Conn.LossShown(side) && !detectors.NoSACK(r.Conn) { // behind a hole, an ACK shows nothing of them
		never += ", unless by SACK"
	}
	switch a.unacked {
	case 0:
	case 1:
		m += fmt.Sprintf(" The last was %s.", never)
	default:
		m += fmt.Sprintf(" The last %d were %s.", a.unacked, never)
	}
	if outcome != resentSpurious && !slow && r.Conn.Limits()&fsm.Overflow == 0 { // else what fills a hole may seem to be there twice
		out := r.Conn.Stream(side)
		m += a.whereLost(outcome, own, peer, holes && (out.Holes() || out.Overflowed()))
		if t.notLost().older > 0 {
			m += fmt.Sprintf(" %s older than what was captured of this connection.", detectors.Counted(t.notLost().older, "original is", "originals are"))
		}
	}
	if stalled.n > 0 && outcome != resentLossy {
		needless := outcome == resentSpurious
		if t.notLost().older > 0 || t.unseen > 0 || a.longProbe || stalled.slack > 0 || !needless && a.originals.n > 0 { // nobody knows since when that waited; or a stall ended with what looks new; or one had no timeout
			least = "at least "
		}
		m += stalled.sentence(needless && stalled.longest == a.originals.longest, needless, least)
		if !needless && a.ownBackoff() {
			m += fmt.Sprintf(" Most of that is the timer of %s, which went on doubling although each retransmission was acknowledged at once.", own)
		}
	}
	if a.icmp != nil {
		m += " " + a.icmp.Sentence(own) + " " + a.icmp.Meaning(own, peer)
	}
	return m
}

// perhapsMore reports whether other segments may have been sent again, also before: the capture lacks some, or of what was lost before the
// capture point with nothing beyond it captured, the retransmission looks new.
func (a *resender) perhapsMore(r *detectors.Report) bool {
	return a.maybe || a.total.unseen > 0 || r.Conn.HoleSince(a.shown.first().At)
}

// counted is how many segments were sent again: as many as there are frames, unless some hold several.
func (a *resender) counted() string {
	n := a.total.all()
	if a.joined == 0 {
		return detectors.Counted(n, "segment", "segments")
	}
	return fmt.Sprintf("%s (%d segments or more, as some frames hold several)", detectors.Counted(n, "frame", "frames"), n+a.joined)
}

// why is what made the sender send again, most of it or at all: of some, another reason fits as well.
func (c *counts) why() string {
	var most uint32
	all, why := c.all(), []string(nil)
	for _, k := range [...]struct {
		n     uint32
		words string
	}{{c.by[timeout] + c.by[tailProbe], "by timeout or tail loss probe"}, // whose timers may be the same: see triggerOf
		{c.by[fast], "after duplicate ACKs or SACK had shown a hole"}, {c.by[tooLarge], "because an ICMP error said that they are too large"},
		{c.by[unknownTrigger], "for a reason that the capture does not show"}} {
		switch {
		case k.n == all:
			return k.words
		case 4*k.n >= 3*all:
			return "mostly " + k.words
		case k.n > most:
			most, why = k.n, append([]string{"partly " + k.words}, why...)
		case k.n > 0:
			why = append(why, "partly "+k.words)
		}
	}
	return strings.Join(why, ", ")
}

// doubtful says which segments need not have been lost.
func (a *resender) doubtful(own, peer string) (m string) {
	if n := a.total.notLost().doubtful[unfounded]; n > 0 {
		m += fmt.Sprintf(" %s not have been lost: %s had sent at most one segment after %s, and got three duplicate ACKs all the same.",
			need(n), own, pronoun(n))
	}
	if n := a.total.notLost().doubtful[notKept]; n > 0 {
		m += fmt.Sprintf(" %s not have been lost: duplicate ACKs show that as many later segments had reached %s, which keeps only what comes in order.",
			need(n), peer)
	}
	if n := a.total.notLost().doubtful[onItsWay]; n > 0 {
		m += fmt.Sprintf(" %s not have been lost: until the capture ended, %s answered each segment in its turn, copies too; of %s, that would show later.",
			need(n), peer, these(n))
	}
	return m
}

func these(n uint32) string {
	if n == 1 {
		return "this one"
	}
	return "these"
}

// need begins a sentence about n segments.
func need(n uint32) string {
	if n == 1 {
		return "1 original need"
	}
	return fmt.Sprintf("%d originals need", n)
}

func pronoun(n uint32) string {
	if n == 1 {
		return "it"
	}
	return "each"
}

// answered is how many of those that were captured twice the receiver had answered, before what ended the stalls: its answers were
// lost before the capture point. What is known to be spurious may be among them.
func (a *resender) answered() uint32 {
	if a.total.unseen > 0 {
		return 0
	}
	return min(a.stalls.ahead-min(a.total.allSpurious(), a.stalls.ahead), a.lostBehind())
}

// whereLost says on which side of the capture point segments were lost. holes says that bytes of the sender were
// acknowledged that the capture does not have: it may lack others that passed, too. Of those that it missed, few would be sent again.
func (a *resender) whereLost(outcome *detectors.Outcome, own, peer string, holes bool) string {
	t, behind := &a.total, a.lostBehind()
	spurious := t.allSpurious()
	all := behind+t.unseen+spurious == t.all()
	missed := ""
	if holes {
		missed = ", or missed by the capture, which lacks other bytes that were acknowledged"
	}
	the, are, it, was := "The originals", "are", "they", "were"
	if t.all()-spurious == 1 {
		the, are, it, was = "The original", "is", "it", "was"
	}
	if spurious > 0 {
		the = strings.Replace(the, "The", "The other", 1)
	}
	theirs, and := "", "" // a hole shows that the original is missing, a timeout only that no ACK came
	if t.by[fast]+t.by[tooLarge] < t.all() {
		theirs, and = ", or their ACKs,", "and "
		if are == "is" {
			theirs = ", or its ACK,"
		}
	}
	skipped, lost := uint32(0), "lost"
	if s := a.stalls.longest; s != nil {
		if skipped = s.unseen; (s.lag > 0 || s.endedBefore()) && outcome == resentStalls {
			lost = "lost or held up"
		}
	}
	switch {
	case behind+t.unseen == 0 && outcome == resentStalls && t.notLost().older > 0 && a.mayBeQueued() && a.stalls.longest.lag == 0:
		return fmt.Sprintf(" %s had sent nothing since its SYN-ACK: it may have ignored what came, because its accept queue was full.", peer)
	case behind+t.unseen == 0:
		return ""
	case behind > 0 && outcome == resentStalls && a.answered() > 0:
		subject, rest := the+" "+are, ""
		if n := a.answered(); !all || n < behind {
			subject = detectors.Counted(n, "original is", "originals are")
			if n < behind {
				rest = fmt.Sprintf(" Of %d more, the original or its ACK was lost between the capture point and %s.", behind-n, peer)
			}
		}
		return fmt.Sprintf(" %s in the capture, but %s had sent more before it acknowledged one, which is not: it had answered, and its answers were lost before the capture point.%s",
			subject, peer, rest)
	case behind > 0 && skipped > 0 && outcome == resentStalls:
		return fmt.Sprintf(" %s %s in the capture, but the IP IDs of %s skip %s before it acknowledged one: it may have answered before, and the answers were lost before the capture point.",
			the, are, peer, detectors.Counted(skipped, "number", "numbers"))
	case behind == 0 && all && holes:
		return fmt.Sprintf(" %s %s not in the capture: %s %s lost before the capture point%s.", the, are, it, was, missed)
	case behind == 0 && all:
		return fmt.Sprintf(" %s never reached the capture point: %s %s lost between %s and it.", the, it, was, own)
	case behind == 0:
		return fmt.Sprintf(" %s lost before the capture point%s.", detectors.Counted(t.unseen, "original was", "originals were"), missed)
	case outcome == resentStalls && a.mayBeQueued() && a.stalls.longest.lag == 0:
		return fmt.Sprintf(" %s %s in the capture: %s%s %s lost between the capture point and %s, or ignored there because its accept queue was full, as it had sent nothing since its SYN-ACK.",
			the, are, it, theirs, was, peer)
	case t.unseen == 0 && all:
		return fmt.Sprintf(" %s %s in the capture: %s%s %s %s between the capture point and %s.", the, are, it, theirs, was, lost, peer)
	case t.unseen == 0:
		return fmt.Sprintf(" %s%s %s lost between the capture point and %s.", detectors.Counted(behind, "original", "originals"), theirs, was, peer)
	}
	if holes {
		missed, and = missed+";", strings.TrimPrefix(and, "and ")
	} else {
		missed = ","
	}
	return fmt.Sprintf(" %s lost before the capture point%s %s%d%s between it and %s.", detectors.Counted(t.unseen, "original was", "originals were"), missed, and, behind, theirs, peer)
}
