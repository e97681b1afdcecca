package path

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An oversizeLoss is a segment that does not arrive.
type oversizeLoss struct {
	retryRun                     // of its retransmissions; the peer may send segments in between
	size         uint32          // payload of the smallest that did not arrive, as it was on the wire
	whole        uint32          // the same, as it was captured
	beyond       reassembly.Mark // the peer's segment that shows the longest stretch behind it that arrived
	longer       uint32          // the payload of that stretch; 0 if only a FIN arrived
	spoke        reassembly.Mark // the peer's segment that shows that it is there, though it acknowledges nothing new
	piece        reassembly.Mark // the first retransmission that was smaller
	probe        reassembly.Mark // a large segment, sent once, after smaller pieces had arrived
	fell         bool            // reported that the sender fell back, anchored at anchor
	anchor       reassembly.Mark
	failed       uint32 // payload of the segment that had not arrived when that was reported; pieces of it may be large, too
	doubted      uint32 // size of the segment, where that was reported as undecided; 0: it was not
	acknowledged int64  // since then: bytes acknowledged, less those sent or sent again
	passed       bool   // large segments do arrive

	told    *detectors.ICMPErrors // that packets are too large; nil if nobody said so
	ignored int                   // retransmissions of the oldest segment that were larger than told
	obeyed  reassembly.Mark       // the first retransmission that was not, unless it came too late
}

// oversizeLosses are those that got through.
var oversizeLosses detectors.Spare[oversizeLoss]

// idle reports whether the account is one of nothing: what else is in it has no meaning any more.
func (a *oversizeLoss) idle() bool {
	return a.n == 0 && a.beyond.At == 0 && !a.fell && !a.passed && a.told == nil
}

// follows are the kinds of event, of the side itself and of its peer, that change the account,
// besides new trouble.
func (a *oversizeLoss) follows() (own, peer fsm.Kinds) {
	if a == nil {
		return 0, 0
	}
	if a.n > 0 || a.beyond.At != 0 {
		own |= 1 << fsm.Advanced
	}
	if a.n > 0 {
		own |= 1<<fsm.ResetSent | 1<<fsm.Revived
		peer = 1<<fsm.Revived | 1<<fsm.Sent
	}
	if a.fell {
		own |= 1<<fsm.Advanced | 1<<fsm.DataSent
	}
	return own, peer
}

// arrived takes what the peer says of what arrived behind the hole.
func (a *oversizeLoss) arrived(side reassembly.Side, by *reassembly.Segment, r *detectors.Report) {
	if n, is := sacked(by, side, r.Conn); is && !detectors.NoSACK(r.Conn) && (a.beyond.At == 0 || n > a.longer) {
		a.beyond, a.longer = reassembly.MarkOf(by), n
	}
}

// sacked is the payload of the longest stretch that the side has sent beyond its SND.UNA and a segment acknowledges
// by SACK, if it has such a block. The sequence number of a FIN is no payload (RFC 9293 3.4).
func sacked(by *reassembly.Segment, side reassembly.Side, v fsm.View) (longest uint32, is bool) {
	una := v.Stream(side).Una
	fin, closed := v.FIN(side)
	for _, b := range by.Opts.Blocks[:by.Opts.NBlocks] {
		if !b.From.Before(b.To) || !b.From.After(una) {
			continue
		}
		n := uint32(b.To - b.From)
		if closed && b.To == fin.Seq+1 {
			n--
		}
		longest, is = max(longest, n), true
	}
	return longest, is
}

// again takes a retransmission.
func (a *oversizeLoss) again(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	a.probe.At = 0
	a.acknowledged -= int64(m.Len)
	if m.Flags&reassembly.FIN != 0 || a.over() || a.passed {
		return
	}
	out, size := r.Conn.Stream(ev.Side), wireOf(ev.Seg, r.Conn)
	if a.n == 0 {
		a.heard = r.Conn.Last(ev.Side.Peer())
	}
	switch {
	case !out.Oldest(m.Seq):
		a.retry(&m)
	case a.resends > 0 && size < a.size: // smaller pieces
		if a.piece.At == 0 {
			a.piece = m
		}
	case int(size) >= int(r.Value("min-size")):
		if a.resends == 0 || size < a.size {
			a.size, a.whole = size, m.Len
		}
		a.piece.At = 0
		a.resend(&m, true)
	default:
		a.retry(&m)
	}
	if a.told != nil && a.obeyed.At == 0 && out.Oldest(m.Seq) && a.onePacket(ev.Seg, r.Conn) && !a.fits(ev.Seg, r.Conn) {
		a.ignored++
	}
}

// enough reports whether enough retransmissions have failed although something smaller
// arrived behind, or ICMP says that they are too large, or the sender obeyed ICMP in vain,
// and the peer is there.
func (a *oversizeLoss) enough(r *detectors.Report) bool {
	smaller := a.beyond.At != 0 && a.longer < a.size
	return a.n > 0 && !a.passed && (smaller || a.told != nil) && a.resends >= int(r.Value("min-resends")) && (smaller || a.defiant(r) || a.obeyed.At != 0 && a.spoke.At != 0)
}

// foreign reports whether what shows that something behind the hole arrived comes from another device, by its TTL
// or IP ID, than what the peer sent before or since: whoever forges a segment can claim any arrival.
func (a *oversizeLoss) foreign(side reassembly.Side, r *detectors.Report) bool {
	last, habits := r.Conn.Last(side.Peer()), r.Conn.IPHabits(side.Peer())
	for _, own := range [...]*reassembly.Mark{&a.heard, &last} {
		if own.At != 0 && !detectors.SameFrame(own, &a.beyond) &&
			((fsm.Habits{}).OtherTTL(own, &a.beyond) || own.At > a.beyond.At && habits.OtherID(&a.beyond, own)) {
			return true
		}
	}
	return false
}
