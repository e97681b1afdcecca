package loss

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// tooSoon reports whether the segment is no answer to the hole that it fills: much less than a round trip to the sender ago, that
// was not there, or was not shown. It came late, even if its sender numbered
// it late; unless its timestamps or its acknowledgment number show that the round trip was shorter than that of the handshake, or IP
// identifications that it was sent again.
func (a *resends) tooSoon(ev fsm.Event, r *detectors.Report) bool {
	if ev.Place != reassembly.Filling {
		return false
	}
	resent := a.skipped.prove(ev, r.Conn) && !a.askedLater(ev.Seg, r.Conn)
	soon, since, out := soonest(ev.Side, r), a.gapAt, r.Conn.Stream(ev.Side)
	if r.Conn.HandshakeRTT(ev.Side) != 0 {
		since = max(since, a.since)
	} else if a.mayAnswer(ev, r) {
		return false
	}
	// What acknowledges payload that the receiver sent after that was sent by one who knew.
	unheard, knew := false, a.shown != 0 && ev.Seg.Ack.After(a.gapNxt)
	if ev.Was.Seq == ev.Seg.End() && ev.Was.End() == out.Nxt { // the segment before it made the hole
		since = ev.Was.At
		unheard = r.Conn.Last(ev.Side.Peer()).At <= since // whatever it echoes or acknowledges asked for something else
	}
	return !resent && since != 0 && r.Conn.LossShown(ev.Side) && ev.Seg.At-since < int64(soon) && (unheard || !knew && !a.answersHole(ev.Seg, int64(soon), r.Conn))
}

// soonest is how soon the side cannot answer, seen from the tap: half of what it took in the handshake, or a quarter of what
// it takes to acknowledge, which it may delay. If neither is known, farAway. 0 if it is so near that it may answer at once.
func soonest(side reassembly.Side, r *detectors.Report) time.Duration {
	there, part := r.Conn.HandshakeRTT(side), time.Duration(2)
	if there == 0 {
		there, part = r.Conn.SRTT(side.Peer()), muchSooner
	}
	switch {
	case there == 0:
		return farAway
	case there < farAway:
		return 0
	}
	return there / part
}

// mayAnswer reports whether the segment's sender seems to have numbered or stamped it when it knew of the hole, where its
// distance is not known from a handshake.
func (a *resends) mayAnswer(ev fsm.Event, r *detectors.Report) bool {
	echo, is := detectors.Echo(r.Conn, ev.Seg)
	if is && a.stamps.known[gapStamp] && !echo.Before(a.stamps.of[gapStamp]) {
		return true
	}
	// Something on the way may have numbered the packets, as a NAT does. No timer of a delayed ACK is that short: it is how far the sender is.
	least := r.Conn.Recent(ev.Side.Peer(), ev.Seg.At).Soonest
	return counted(ev, r) && (least == 0 || least >= ackTimer || ev.Seg.At-a.gapAt >= int64(least/2))
}

// ackTimer is less than any delayed ACK takes that a timer sends (Linux: 40 ms).
const ackTimer = 35 * time.Millisecond

// counted reports whether its sender counts its packets, and this one follows those that were captured before it.
func counted(ev fsm.Event, r *detectors.Report) bool {
	ids := r.Conn.IPHabits(ev.Side)
	return ev.Seg.IPID != 0 && ids.Numbered && ids.Behind == 0
}

// answersHole reports whether the segment echoes the ACK that first showed the hole, or a later one: its sender had
// that when it sent the segment (RFC 7323 4.2). By the ACKs that showed holes before, the clock of these must tick
// once in the given nanoseconds at least, or an ACK from before the hole would look the same.
func (a *resends) answersHole(seg *reassembly.Segment, tick int64, v fsm.View) bool {
	echo, is := detectors.Echo(v, seg)
	ticks := int64(int32(a.stamps.of[askedStamp] - a.stamps.of[earliestStamp]))
	return a.stamps.known[askedStamp] && ticks > 0 && (a.since-a.first)/ticks <= tick &&
		is && !echo.Before(a.stamps.of[askedStamp])
}

// askedLater reports whether the segment echoes what came before the ACK that first showed the hole.
func (a *resends) askedLater(seg *reassembly.Segment, v fsm.View) bool {
	echo, is := detectors.Echo(v, seg)
	return a.stamps.known[askedStamp] && is && echo.Before(a.stamps.of[askedStamp])
}
