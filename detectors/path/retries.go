package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A retryRun is one side's retries, of data or keep-alives, while its peer is silent.
type retryRun struct {
	heard  reassembly.Mark                // the peer's last segment before
	first  reassembly.Mark                // the first retry
	recent [recentRetries]reassembly.Mark // the last ones
	n      int                            // retries in all
	rst    reassembly.Mark                // with which the side itself ended it

	keepAlives int
	resends    int             // of the oldest byte that is not acknowledged
	from, to   reassembly.Mark // the first and last of these
	least      uint32          // payload of the smallest that was sent again
	small      bool            // a smaller one was sent for the first time since the peer's last segment
	interval   int64           // between the last two retries of the same
	refused    reassembly.Mark // the last RST of the peer that answers one of these, and did not end the connection
	disowned   reassembly.Mark // the RST of the peer since it was heard; see disownedSince
	doubtful   reassembly.Mark // the last RST in the side's name that ended nothing
	alive      reassembly.Mark // what the peer sent right after that RST: it has the connection
	spoke      bool            // or something, later or perhaps forged
	replaced   bool            // a new connection took the four-tuple
	stamped    bool            // it echoes timestamps of the peer
	known      arrivals        // what its own segments show of the peer
}

// recentRetries is how many of the last retries are kept as evidence.
const recentRetries = 3

// smallSegment is what nearly every path lets through (RFC 4821 7.2).
const smallSegment = 1024

// The values of the metric "ending".
const (
	stillTrying = "trying"   // the side was still trying when the trace ended
	byReset     = "reset"    // the side sent a RST
	byGivingUp  = "gave-up"  // the side stopped sending
	byReplacing = "replaced" // a new connection took the four-tuple
)

// retry takes one more retry.
func (v *retryRun) retry(m *reassembly.Mark) {
	if v.n > 0 {
		v.interval = m.At - v.last().At
	}
	v.keep(m)
}

func (v *retryRun) keep(m *reassembly.Mark) {
	if v.n == 0 {
		v.first = *m
	}
	v.recent[v.n%recentRetries] = *m
	v.n++
}

// last is the last retry.
func (v *retryRun) last() *reassembly.Mark { return &v.recent[(v.n-1)%recentRetries] }

// resend takes a retry of data. RTO sends the oldest segment again (RFC 6298 5.4);
// others, such as tail loss probes and the rest of a burst, are not counted, nor timed.
func (v *retryRun) resend(m *reassembly.Mark, oldest bool) {
	v.keep(m)
	if v.least == 0 || m.Len < v.least {
		v.least = m.Len
	}
	if !oldest {
		return
	}
	if v.resends == 0 {
		v.from = *m
	} else {
		v.interval = m.At - v.to.At
	}
	v.to = *m
	v.resends++
}

// stood reports whether the side did not retry for much longer than its timer was to run, and nothing had been proven by the time at which it
// should have: proven is when it was, or would have been. A run begins then.
func (v *retryRun) stood(at, proven int64, rto time.Duration) bool {
	last, timer := v.to.At, v.interval
	switch {
	case v.resends > 1:
		timer = max(timer, int64(rto))
	case v.resends == 0 && timer > 0: // keep-alives, of which any may be long in coming
		last = v.last().At
	}
	return last != 0 && !v.over() && detectors.TimerStood(at-last, timer) > 0 && proven > last+2*timer+timer/2
}

// onlyLarge reports whether all that was sent since the peer's last segment is large,
// for all that is known, and nothing as large was ever acknowledged: the path may only
// drop large packets.
func (v *retryRun) onlyLarge(side reassembly.Side, r *detectors.Report) bool {
	out, least := r.Conn.Stream(side), v.leastSize(r)
	return least > smallSegment && !v.small && !v.inPieces(side, least, r) && r.Conn.Phase(side) < fsm.PhaseFinSent && r.Conn.Limits()&(fsm.Midstream|fsm.Holes) == 0 &&
		r.Conn.Bytes(side) < uint64(out.InFlight()+least)
}

// inPieces reports whether the side sent far more segments than large ones of that size are needed for its payload, and its
// peer has sent nothing but its SYN-ACK: most were small, and they got no answer either. A retransmission may put them together (RFC 9293 3.8.6.2.1).
func (v *retryRun) inPieces(side reassembly.Side, least uint32, r *detectors.Report) bool {
	sent, again := r.Conn.Packets(side), r.Conn.Retransmissions(side)
	return v.opening() && sent > uint64(again)+manyPieces+2*(r.Conn.Bytes(side)/uint64(least)+1)
}

// manyPieces is more than the SYNs and ACKs of a handshake that was repeated.
const manyPieces = 8

// leastSize is the payload of the smallest that was sent again, on the wire.
func (v *retryRun) leastSize(r *detectors.Report) uint32 { return wire(v.least, false, r.Conn) }

// over reports whether the side itself ended the run with a RST.
func (v *retryRun) over() bool { return v.rst.At != 0 }

// provenAt is when the peer has had time to answer: patience after the first retry,
// and a timeout after the last; or after the one before that, if there is one to spare.
func (v *retryRun) provenAt(patience, rto time.Duration, spare bool) int64 {
	last := v.last()
	if spare {
		last = &v.recent[(v.n-2)%recentRetries]
	}
	return max(v.first.At+int64(max(patience, 3*rto)), last.At+int64(rto))
}

// resetAfter reports whether a RST in the side's name came after the last retry, though with a number that ended nothing.
func (v *retryRun) resetAfter() bool { return !v.over() && v.doubtful.At > v.last().At }

// ending is how the run ended, as of trace time now; sent is when the side last sent
// anything.
func (v *retryRun) ending(now, sent int64) string {
	next := sent + max(int64(detectors.MinSilence), int64(detectors.GiveUpFactor*float64(v.interval)))
	switch {
	case v.over() || v.resetAfter():
		return byReset
	case v.replaced:
		return byReplacing
	case now >= next: // the next retry is overdue
		return byGivingUp
	}
	return stillTrying
}

// until is the last moment of the run, as of trace time now.
func (v *retryRun) until(now int64) int64 {
	if v.over() {
		return v.rst.At
	}
	return now
}

// evidence is the first retry, the peer's last segment before it, the last retries, and
// the RST at the end.
func (v *retryRun) evidence(side reassembly.Side, r *detectors.Report) []detectors.Evidence {
	all := []detectors.Evidence{r.Evidence(v.role(&v.first, ", the first without an answer"), side, &v.first)}
	if v.heard.At != 0 {
		last := "last segment from the peer"
		if v.disowned.At != 0 {
			last += " before its RST"
		}
		all = append(all, r.Evidence(last, side.Peer(), &v.heard))
	}
	if v.disowned.At != 0 {
		all = append(all, r.Evidence("RST with the peer's address, to be ignored", side.Peer(), &v.disowned))
	}
	for i := max(1, v.n-recentRetries); i < v.n; i++ {
		m := &v.recent[i%recentRetries]
		all = append(all, r.Evidence(v.role(m, ""), side, m))
	}
	if v.over() {
		all = append(all, r.Evidence("RST, sender gives up", side, &v.rst))
	}
	if v.resetAfter() {
		all = append(all, r.Evidence("RST with another number than is due", side, &v.doubtful))
	}
	if v.alive.At != 0 {
		all = append(all, r.Evidence("the peer still has the connection", side.Peer(), &v.alive))
	}
	return all
}

func (v *retryRun) role(m *reassembly.Mark, more string) string {
	if m.Len <= 1 && v.keepAlives > 0 {
		return "keep-alive" + more
	}
	return "retransmission" + more
}

// takes reports whether data that was sent again belongs to the run. If the FIN came with it from
// the beginning, see fin-unanswered; else the side has closed meanwhile.
func (v *retryRun) takes(seg *reassembly.Segment, side reassembly.Side, conn fsm.View) bool {
	fin, _ := conn.FIN(side)
	return seg.Flags&reassembly.FIN == 0 || seg.Len > 0 && (fin.Alone || v != nil && v.n > 0)
}

// byDevice reports whether a device on the path makes a keep-alive in the side's name, to see whether the connection still
// exists: it comes from a stack that begins with another TTL than that of the segment before it, or of one that did.
func (w *deadPeer) byDevice(side reassembly.Side, before, m *reassembly.Mark) bool {
	if m.TTL == 0 || m.TTL != w.device[side] && (before == nil || before.At == 0 || fsm.FirstTTL(before.TTL) == fsm.FirstTTL(m.TTL)) {
		return false
	}
	w.device[side] = m.TTL
	return true
}

// isDecoy reports whether a segment only seems to be sent again: it can hardly arrive, or belongs to the one before it (it begins there, holds
// more, and follows sooner than any timer: RFC 6298 2), which counts, or is its decoy and came before anything was sent again. Programs against
// packet inspection send a decoy before each segment of the host.
func isDecoy(ev *fsm.Event, m *reassembly.Mark, conn fsm.View) bool {
	varies := conn.IPHabits(ev.Side).VariesTTL
	return dies(m, varies) || m.Seq == ev.Was.Seq && m.Len > ev.Was.Len && m.At-ev.Was.At < int64(conn.SRTT(ev.Side)) &&
		(ev.Place == reassembly.Overlap || !dies(ev.Was, varies))
}

// dies reports whether a segment has so small a TTL, where its side has others, that it can hardly arrive.
func dies(m *reassembly.Mark, varies bool) bool { return varies && m.TTL > 0 && m.TTL <= fsm.MostHops }

// maybeTwice reports whether a segment may be the one before it, captured twice: it is like it and as close behind it
// as such frames are, and the capture seems to hold such frames. No timer is as short.
func maybeTwice(before, m *reassembly.Mark, conn fsm.View) bool {
	return before != nil && conn.Limits()&fsm.Duplicates != 0 && m.Seq == before.Seq && m.Len == before.Len && m.At-before.At <= int64(fsm.DuplicateTime)
}

// ended is a sentence on how the run of the side ended.
func (v *retryRun) ended(side reassembly.Side, now, sent int64, r *detectors.Report) string {
	name := r.Name(side)
	if v.resetAfter() {
		return fmt.Sprintf("Then a RST with the address of %s came (frame %d), with another number than was due: its host may no longer have the connection.", name, v.doubtful.Frame)
	}
	switch v.ending(now, sent) {
	case byReset:
		return fmt.Sprintf("Then %s ended the connection with RST (frame %d).", name, v.rst.Frame)
	case byReplacing:
		return "Then a new connection took its place."
	case byGivingUp:
		if r.Conn.Phase(side) >= fsm.PhaseFinSent {
			return fmt.Sprintf("It closed with a FIN; it has been silent for %s.", detectors.Span(now-sent))
		}
		return fmt.Sprintf("Then the capture has nothing more of %s for %s, neither FIN nor RST.", name, detectors.Span(now-sent))
	}
	return name + " was still trying when the capture ended."
}
