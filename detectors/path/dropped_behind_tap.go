package path

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// DroppedBehindTap reports segments that passed the capture point, and not the TCP behind it. RFC 9293 3.10.7.4.
var DroppedBehindTap = &detectors.Detector{
	Name: "dropped-behind-tap",
	Doc: detectors.Doc{
		Title: "segments passed the capture point, but the TCP behind it never processed them",
		What: "One side keeps retransmitting data or its FIN although the capture holds its peer's acknowledgments of that data, again after each " +
			"retransmission; the timestamps that it echoes (TSecr) are older than theirs (acks-dropped). Or the same segment passes the capture point again and again, and the " +
			"peer neither acknowledges it nor answers it, but keeps sending other segments (data-dropped). Or the peer answers it each time with an ACK of only what came before (data-refused).",
		Cause: "Something between the capture point and that host's TCP drops them: a packet filter on the host (netfilter drops what conntrack calls " +
			"INVALID; rp_filter), a bad checksum, a firewall or a lossy link behind the capture point. A capture on a host sees packets before its input filter.",
		Action: "On that host: nstat for TcpInCsumErrors, TcpExtTCPMD5NotFound and IpExtInCsumErrors; the drop counters of its packet filter and conntrack (conntrack -S: " +
			"invalid); ethtool -S for the interface; dropwatch or the tracepoint skb:kfree_skb for the reason. If the capture was not taken on that host, take one " +
			"there to see whether the segments arrive.",
		NotThis: "A retransmission that crosses the acknowledgment, or a few acknowledgments lost. A sender that echoes the timestamp of one of the acknowledgments: it processes what arrives. ACKs below what the sender has acknowledged: they are not acceptable to its TCP. Undecided where both ends are on one host. " +
			"A peer that sends nothing at all: dead-peer. A peer that answers each retransmission with a duplicate ACK and echoes a newer timestamp: paws-drops. " +
			"Probes of a closed window. Large segments only: mtu-blackhole.",
		Peers: "Wireshark calls the retransmissions Spurious Retransmission where the data had been acknowledged, and does not ask why.",
		Refs:  []string{"RFC 9293 3.10.7.4", "RFC 6864", "RFC 7323 4.3", "RFC 6298 5"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{acksDropped, dataDropped, dataRefused, dropsRecovered},
	Params: []detectors.Param{
		{Name: "min-resends", Default: 4, Min: 2, Max: 1000, Unit: "", Doc: "minimum number of retransmissions of the same segment for a finding"},
		{Name: "patience", Default: 3, Min: 0, Max: 3600, Unit: "s", Doc: "minimum time from the first of them to the last"},
	},
	StartsOn:     fsm.On(fsm.DataResent, fsm.FinResent),
	SubscribesTo: fsm.On(fsm.DataResent, fsm.FinResent, fsm.DataSent, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return droppedBehindTaps.Take() },
	YieldsTo:     []string{"mtu-blackhole", "paws-drops", "zero-window-probe-loop"},
}

var (
	acksDropped = &detectors.Outcome{Name: "acks-dropped", Severity: detectors.Warning, Fault: detectors.FaultPath, Needs: fsm.Text | fsm.SeqUnknown, // see sameID; and an ACK is acceptable by its sequence number
		When: "data was retransmitted again and again after its acknowledgment had passed the capture point"}
	dataDropped = &detectors.Outcome{Name: "data-dropped", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "a segment passed the capture point again and again, and a peer that was alive never acknowledged it"}
	dataRefused = &detectors.Outcome{Name: "data-refused", Severity: detectors.Warning, Title: "a segment arrived again and again, and was never accepted",
		When: "the peer answered a segment again and again with a duplicate ACK, and never acknowledged it",
		Cause: "The peer's TCP, or a device that answers in its name, finds the segment not acceptable: a device that rewrites sequence numbers or windows has lost its mapping, so that the segment lies outside " +
			"the peer's window; or the peer has no memory left for it.",
		Action: "Capture at the peer and compare the sequence numbers and the window there with those here. On that host: nstat for TcpExtTCPRcvQDrop, TcpExtPruneCalled and TcpExtPAWSEstab. Look for a proxy or an inspection engine on the path that answers for it."}
	dropsRecovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Info, Fault: detectors.FaultPath, Needs: fsm.Text,
		When:   "the segments got through in the end",
		Action: "Find out what happened behind the capture point at that time: a failover, a reloaded packet filter, an overloaded host."}
)

// droppedBehindTap follows, for each side that retransmits, one segment; nil if there is none.
type droppedBehindTap struct {
	sides   [2]*stuckSegment
	refused [2]*refusedSegment
}

func (w *droppedBehindTap) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.DataResent:
		w.resent(ev, r)
		w.refused[ev.Side] = w.refused[ev.Side].again(ev, r)
	case fsm.FinResent:
		// If not acknowledged, see fin-unanswered; if more was, it is not the end of what its side sent.
		if fin := ev.Seg; fin.Len == 0 && r.Conn.Phase(ev.Side) == fsm.PhaseFinAcked && r.Conn.Stream(ev.Side).Una == fin.End() {
			w.resent(ev, r)
		}
	case fsm.DataSent:
		// It may go on because it has processed what it was sent, or send something new between two retransmissions.
		if own := w.sides[ev.Side]; own != nil && own.acked && own.onward.At == 0 {
			own.onward = reassembly.MarkOf(ev.Seg)
		}
	case fsm.ResetSent:
		for side, s := range w.sides {
			if s != nil {
				s.goesOn(reassembly.Side(side), ev.Seg.At, r)
				s.n = 0
			}
		}
	case fsm.Sent:
		if !w.sent(ev, r) {
			return
		}
	}
	w.subscribe(r)
}

// sent takes a segment of any kind, and reports whether other events are of interest now.
func (w *droppedBehindTap) sent(ev fsm.Event, r *detectors.Report) (changed bool) {
	own, peer, forged := w.sides[ev.Side], w.sides[ev.Side.Peer()], detectors.MayBeForged(ev)
	if v := w.refused[ev.Side.Peer()]; v != nil && !forged && v.fromPeer(ev, r) {
		refusedSegments.Give(v)
		w.refused[ev.Side.Peer()], changed = nil, true
	}
	if own != nil && own.acked && own.reported && own.moved(ev.Seg, r.Conn) {
		own.end(ev.Side, ev.Seg, r)
		changed = true
	}
	switch {
	case ev.Seg.Flags&reassembly.RST != 0:
		if own != nil {
			own.resetLate(ev.Seg, ev.Side, r)
		}
		if peer != nil {
			peer.resetBy(ev.Seg, ev.Side.Peer(), r)
		}
	case peer != nil && !forged:
		reported := peer.reported
		peer.fromPeer(ev, r)
		changed = changed || peer.n == 0 || peer.reported != reported
	}
	return changed
}

// subscribe asks for what may change what is known.
func (w *droppedBehindTap) subscribe(r *detectors.Report) {
	kinds := [2]fsm.Kinds{DroppedBehindTap.StartsOn, DroppedBehindTap.StartsOn}
	for side, s := range w.sides {
		side := reassembly.Side(side)
		switch {
		case s == nil:
		case s.n == 0:
			stuckSegments.Give(s)
			w.sides[side] = nil
		default:
			kinds[side] |= 1 << fsm.ResetSent
			kinds[side.Peer()] |= 1<<fsm.ResetSent | 1<<fsm.Sent
			if s.acked {
				kinds[side] |= 1 << fsm.DataSent
			}
			if s.acked && s.reported {
				kinds[side] |= 1 << fsm.Sent
			}
		}
	}
	for side, v := range w.refused {
		if v != nil {
			kinds[reassembly.Side(side).Peer()] |= 1 << fsm.Sent
		}
	}
	r.SubscribeSides(kinds[reassembly.A], kinds[reassembly.B])
}

// droppedBehindTaps are those that have left.
var droppedBehindTaps detectors.Spare[droppedBehindTap]

// Idle implements [detectors.Leaver].
func (w *droppedBehindTap) Idle(*detectors.Report) bool { return *w == droppedBehindTap{} }

// Leave implements [detectors.Leaver].
func (w *droppedBehindTap) Leave() { droppedBehindTaps.Give(w) }

// resent takes a retransmission.
func (w *droppedBehindTap) resent(ev fsm.Event, r *detectors.Report) {
	out, m := r.Conn.Stream(ev.Side), reassembly.MarkOf(ev.Seg)
	acked := out.Covered(ev.Seg.End())
	s := w.sides[ev.Side]
	if s != nil && s.acked == acked && s.first.Seq == m.Seq {
		if s.moved(ev.Seg, r.Conn) {
			s.end(ev.Side, ev.Seg, r)
			return
		}
		s.n++
		s.interval, s.onward = m.At-s.last.At, reassembly.Mark{}
		s.sameID = s.sameID && m.IPID == s.first.IPID
		s.last = m
		return
	}
	if s != nil {
		s.end(ev.Side, ev.Seg, r)
	}
	ack := r.Conn.Last(ev.Side.Peer())
	late := m.At-ack.At > int64(answerTime(r.Conn))
	if acked && (ack.Ack.Before(ev.Seg.End()) || !late) || !acked && !out.Oldest(m.Seq) { // it may have crossed the acknowledgment; another may be the one that is stuck, or the peer's last does not acknowledge this
		return
	}
	small := ack.Len // what was sent before it is as large if all of that together is so many full segments
	if sent := r.Conn.Stream(ev.Side.Peer()); acked && small > 0 && sent.InFlight()%small != 0 {
		small = 0
	}
	if s == nil {
		s = stuckSegments.Take()
		w.sides[ev.Side] = s
	}
	*s = stuckSegment{acked: acked, ack: ack, first: m, last: m, n: 1, small: small, sameID: m.IPID != 0}
}

func (w *droppedBehindTap) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if s := w.sides[side]; s != nil {
			s.goesOn(side, e.At, r)
		}
	}
}
