package engine

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// hosts finds out when the hosts of the trace were last seen, if a finding asks for it.
func (c *collector) hosts(parts []*partition) {
	if c.trace.Counts.Known {
		return // of all of the trace
	}
	asked := map[[16]byte]bool{}
	for i := range c.found {
		f := &c.found[i]
		switch {
		case f.Verdict != detectors.Seen:
		case f.Silence != nil:
			c.counts.Hosts = hostsOf(c.options, parts)
			return
		case f.Unheard:
			asked[unheard(f.Finding).Dst.Addr] = true
		case f.Quiet != nil:
			asked[f.Evidence[0].Seg.Dst.Addr] = true
		}
		if f.Unanswered && f.Verdict == detectors.Seen {
			asked[f.Evidence[0].Seg.Src.Addr] = true
		}
	}
	if len(asked) > 0 {
		c.counts.Hosts = hostsAt(parts, asked)
	}
}

// hostsOf are all hosts of the trace.
func hostsOf(o *Options, parts []*partition) (h stats.Hosts) {
	var compact flow.Addresses
	for _, p := range parts {
		p.flows.CompactAddresses(&compact)
	}
	if compact.AtLeast() > stats.MaxHosts {
		return stats.Hosts{Many: true}
	}
	var adds sync.Mutex
	var many atomic.Bool
	o.each(parts, func(i int) {
		var some stats.Hosts
		for _, f := range parts[i].flows.All() {
			if countHosts(&some, f); some.Many || many.Load() {
				break
			}
		}
		adds.Lock()
		defer adds.Unlock()
		h.Add(&some)
		many.Store(h.Many)
	})
	return h
}

func countHosts(h *stats.Hosts, f *flow.Flow) {
	for side := range reassembly.Side(2) {
		countHost(h, f, side)
	}
	if client, known := f.Conn.Opener(); known && f.Conn.Relayed(client.Peer()) > 0 {
		last := f.Conn.View().Last(client.Peer())
		h.Relay(f.Conn.Endpoint(client), &last)
	}
}

// countHost counts the host at one end.
func countHost(h *stats.Hosts, f *flow.Flow, side reassembly.Side) {
	v := f.Conn.View()
	last, peer := v.Last(side), v.Endpoint(side.Peer())
	vain := &peer.Addr
	if v.Retries(side) == 0 || v.Phase(side) < fsm.PhaseOpen {
		vain = nil
	}
	var own [2]stats.OwnSegment
	h.Count(v.Endpoint(side), &last, own[:ownSegments(&own, v, side, &last)], answered(v, side), vain)
}

// ownSegments are the first and the last segment of the side, as far as they are known to be its own, and how many these are.
func ownSegments(own *[2]stats.OwnSegment, v fsm.View, side reassembly.Side, last *reassembly.Mark) (n int) {
	if last.Flags.Has(reassembly.RST) || detectors.OnlyMade(v, side) || detectors.SpokenFor(v, side) != "" { // others send these in a host's name, too
		return 0
	}
	s := stats.OwnSegment{At: last.At, Frame: last.Frame, By: v.IPHabits(side).Device.Hash()}
	if _, captured := v.SYNOptions(side); side == reassembly.A && v.First() < s.At && (captured || v.Limits()&fsm.Midstream != 0) { // else a SYN-ACK came first
		own[0] = s
		own[0].At, own[0].First = v.First(), true
		n = 1
	}
	own[n] = s
	return n + 1
}

// answered is when answers arrived at the side. A SYN that it refused, or that nothing followed, is none: nobody had asked for it. Nor is
// what the peer sends again and again, as the side does not answer.
func answered(v fsm.View, side reassembly.Side) (s stats.Span) {
	heard := v.Last(side.Peer()).At
	if opener, known := v.Opener(); heard == 0 || known && opener != side && v.Phase(side) < fsm.PhaseOpen {
		return s
	}
	if v.Retries(side.Peer()) > 0 {
		heard = min(heard, v.Last(side).At+int64(v.RTO(side)))
	}
	return stats.Span{From: min(v.First(), heard), To: heard}
}

// askedHosts are all hosts of the trace if a finding may ask for them: a connection is half closed, a FIN was not
// acknowledged, or a SYN, data or a keep-alive was sent, again if it is none, that nothing answered.
func askedHosts(o *Options, parts []*partition) (h stats.Hosts) {
	for _, p := range parts {
		for _, f := range p.flows.Uncompacted {
			if client, _ := f.Conn.Opener(); f.Conn.AwaitsAnswer(client) && f.Conn.Packets(client) > 1 {
				return hostsOf(o, parts)
			}
			for side := range reassembly.Side(2) {
				if v := f.Conn.View(); v.Retries(side) > 0 || probesInVain(v, side) || v.Phase(side) == fsm.PhaseFinSent || v.Phase(side) == fsm.PhaseFinAcked && v.Phase(side.Peer()) < fsm.PhaseFinSent {
					return hostsOf(o, parts)
				}
			}
		}
	}
	return h
}

// probesInVain reports whether the last segment of the side is a keep-alive, and nothing came from its peer since.
func probesInVain(v fsm.View, side reassembly.Side) bool {
	last := v.Last(side)
	return v.Last(side.Peer()).At < last.At && detectors.IsProbe(v, side, &last)
}

// silent makes undecided what rests on the silence of two hosts of which the trace shows nothing more
// at all, though it goes on with others, or of one for which a NAT seems to acknowledge.
func silent(f *detectors.Finding, h *stats.Hosts) {
	x := f.Silence
	if x == nil || f.Verdict != detectors.Seen || h.Many {
		return
	}
	last := int64(0)
	for side := range x.End {
		last = max(last, h.LastOf(x.End[side].Addr, x.TTL[side]))
	}
	switch peer := f.Subject.Peer(); {
	case x.TTL[f.Subject] == 0 && h.Last() >= x.Until:
		f.Scope = detectors.WholeCapture
		f.Undecide("text: without a TTL, nothing shows whether the addresses that the capture goes on with are still those of the same hosts")
	case last != 0 && last < x.Until && h.Last() > last && h.Last() >= x.From:
		f.Vanished(last)
	case h.Relayed(x.End[peer].Addr, x.TTL[f.Subject]):
		f.RelayedElsewhere()
	}
}

// soonAfter is about when a SYN that was repeated a few times would be due again (RFC 6298 5.5); an outage may end later.
const soonAfter = 10 * time.Second

// up says that a host which never answered, or no longer, sent something in another connection, or that nobody reached who asked.
func up(f *detectors.Finding, h *stats.Hosts) {
	if f.Verdict != detectors.Seen || !f.Unanswered && !f.Unheard && f.Quiet == nil && f.Silence == nil {
		return
	}
	first, last := &f.Evidence[0].Seg, unheard(f)
	until := last.At
	if f.Unheard { // the client is suspected: what arrives soon after its last SYN shows that it can be reached, too
		until = min(f.End, until+int64(soonAfter))
	}
	if f.Unanswered && h.Unreached(first.Src.Addr, first.Dst.Addr, first.At, until) {
		f.Unreached(first.Src)
	}
	if f.Verdict != detectors.Seen || first.Src.Addr == first.Dst.Addr {
		return
	}
	if f.Silence != nil && f.Silence.Stopped {
		if _, after := h.SentAround(first.Src.Addr, f.Silence.Until, f.Silence.Until, 0); after.At != 0 {
			detectors.StillSends(f, nameOf(&after))
		}
	}
	if f.Quiet != nil {
		f.SeenSince(seen(h, f, f.Quiet.Since, last))
	}
	if f.Unheard {
		f.SeenLater(seen(h, f, first.At, last))
	}
}

// seen is where else the host was seen after from to which the last segment was sent.
func seen(h *stats.Hosts, f *detectors.Finding, from int64, last *reassembly.Segment) *detectors.OtherTraffic {
	during, after := h.SentAround(last.Dst.Addr, from, last.At, f.Asker.Hash())
	asked := from
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Src == last.Src && e.Flags&reassembly.RST == 0 { // a RST asks for no answer
			asked = max(asked, e.At)
		}
	}
	amid, _ := h.SentAround(last.Dst.Addr, from, asked, f.Asker.Hash())
	return &detectors.OtherTraffic{Last: last, Amid: amid.At - from, Later: after.At - last.At, Seen: [2]string{nameOf(&during), nameOf(&after)}}
}

// nameOf names the frame of an OwnSegment; it is empty if there is none.
func nameOf(s *stats.OwnSegment) string {
	switch {
	case s.At == 0:
		return ""
	case s.First:
		return fmt.Sprintf("the first of the connection of frame %d", s.Frame)
	}
	return fmt.Sprintf("frame %d", s.Frame)
}

// unheard is the last of the finding's segments that were sent to a host which never answered.
func unheard(f *detectors.Finding) *reassembly.Segment {
	last := &f.Evidence[0].Seg
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Src == last.Src && e.At > last.At {
			last = e
		}
	}
	return last
}
