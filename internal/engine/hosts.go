package engine

import (
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
	for i := range c.found {
		if f := &c.found[i]; (f.Silence != nil || f.Unheard) && f.Verdict == detectors.Seen {
			c.counts.Hosts = hostsOf(parts)
			return
		}
	}
}

func hostsOf(parts []*partition) (h stats.Hosts) {
	for _, p := range parts {
		for _, f := range p.flows.All() {
			countHosts(&h, f)
		}
	}
	return h
}

func countHosts(h *stats.Hosts, f *flow.Flow) {
	for side := range reassembly.Side(2) {
		last := f.Conn.View().Last(side)
		h.Count(f.Conn.Endpoint(side), &last)
	}
	if client, known := f.Conn.Opener(); known && f.Conn.Relayed(client.Peer()) > 0 {
		last := f.Conn.View().Last(client.Peer())
		h.Relay(f.Conn.Endpoint(client), &last)
	}
}

// askedHosts are all hosts of the trace if a finding may ask for them: a connection is half closed, a FIN was not
// acknowledged, or a SYN was sent again that nothing answered.
func askedHosts(parts []*partition) (h stats.Hosts) {
	for _, p := range parts {
		for _, f := range p.flows.Uncompacted {
			if client, _ := f.Conn.Opener(); f.Conn.AwaitsAnswer(client) && f.Conn.Packets(client) > 1 {
				return hostsOf(parts)
			}
			for side := range reassembly.Side(2) {
				if v := f.Conn.View(); v.Phase(side) == fsm.PhaseFinSent || v.Phase(side) == fsm.PhaseFinAcked && v.Phase(side.Peer()) < fsm.PhaseFinSent {
					return hostsOf(parts)
				}
			}
		}
	}
	return h
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
	case last != 0 && last < x.Until && h.Last() >= x.Until:
		f.Vanished(last)
	case h.Relayed(x.End[peer].Addr, x.TTL[f.Subject]):
		f.RelayedElsewhere()
	}
}

// up says that a host which never answered sent something later.
func up(f *detectors.Finding, h *stats.Hosts) {
	if !f.Unheard || f.Verdict != detectors.Seen {
		return
	}
	last := &f.Evidence[0].Seg
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Src == last.Src && e.At > last.At {
			last = e
		}
	}
	if frame, is := h.UpAfter(last.Dst.Addr, last.At); is && last.Src.Addr != last.Dst.Addr {
		f.SeenLater(last.Dst, frame)
	}
}
