package kernel

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// reasonsFor are the outcomes of reset-cause that may be seen, by the kernel's reason for
// the RST (enum sk_rst_reason). Where there are several, the kernel knows less than the
// capture shows: NO_SOCKET is every segment that no socket waits for, whatever became of
// that. Others it knows better: whether a program closed with data unread, or asked for an abort.
var reasonsFor = map[string][]string{
	"NO_SOCKET":                {"refused", "handshake-reset", "half-open", "keepalive-refused", "data-after-close", "stale", "late-ack", "idle-drop"},
	"TCP_STATE":                {"aborted", "unread-data"}, // SOCK_DESTROY, SO_LINGER of 0
	"TCP_ABORT_ON_CLOSE":       {"aborted", "unread-data"},
	"TCP_ABORT_ON_DATA":        {"data-after-close"},
	"TCP_ABORT_ON_LINGER":      {"aborted"}, // TCP_LINGER2 below 0
	"TCP_KEEPALIVE_TIMEOUT":    {"aborted"},
	"TCP_TIMEWAIT_SOCKET":      {"data-after-close", "stale", "late-ack"},
	"TCP_FLAGS":                {"half-open", "keepalive-refused", "handshake-reset", "data-after-close", "stale", "late-ack"}, // to a socket in LISTEN
	"TCP_INVALID_ACK_SEQUENCE": {"half-open", "handshake-reset", "stale", "late-ack", "data-after-close"},                      // to a socket in SYN_SENT
	"INVALID_SYN":              {"refused"},                                                                                    // a SYN in the window of a connection in SYN_RECEIVED
}

// unseen reports whether something that the sender of a RST had sent before, or had to send
// again, was not captured: perhaps its FIN, or SYN, which then is not known.
func (p *randomCase) unseen(f *tcptrace.Finding) bool {
	rst := &f.Evidence[0].Seg
	return slices.ContainsFunc(p.w.packets, func(x *packet) bool {
		return x.seg.Src == rst.Src && x.tapped == 0 && x.seg.SeqLen() > 0 && x.sent <= rst.At
	})
}

// lessExact are outcomes that the wire shows where the kernel knows better, with what the
// finding must say then.
var lessExact = map[[2]string]string{
	{"NO_SOCKET", "aborted"}:                  "its socket was gone", // a FIN to a host that has closed and forgotten the connection
	{"TCP_FLAGS", "aborted"}:                  "its socket was gone",
	{"TCP_INVALID_ACK_SEQUENCE", "aborted"}:   "its socket was gone", // and connects again from the same port
	{"TCP_STATE", "handshake-reset"}:          "ended it with a RST", // before anything was sent
	{"TCP_ABORT_ON_CLOSE", "handshake-reset"}: "ended it with a RST",
}

// agrees reports whether the kernel's reason allows what a finding says about a RST. known is
// false if the kernel did not say it, or gives a reason that says nothing.
func (p *randomCase) agrees(f *tcptrace.Finding) (reason string, agrees, known bool) {
	reason = p.reasonOf(f)
	allowed, known := reasonsFor[reason]
	words, less := lessExact[[2]string{reason, f.Outcome}]
	return reason, slices.Contains(allowed, f.Outcome) || less && strings.Contains(f.Message, words), known
}

// checkReasons compares tcptrace with the kernel's own reasons for what it sent.
func (p *randomCase) checkReasons(rep *tcptrace.Report, all *summary) (faults []string) {
	if p.kernel == nil || p.missed() || p.kernel.lost() {
		return nil
	}
	table := map[string]int{}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.Detector != "reset-cause" {
			continue
		}
		reason, agrees, known := p.agrees(f)
		if reason == "" {
			continue
		}
		outcome := f.Outcome
		if f.Verdict != detectors.Seen {
			outcome += " (undecided)"
		}
		table[reason+"  "+outcome]++
		if f.Verdict == detectors.Seen && known && !agrees && !((reason == "TCP_ABORT_ON_DATA" || f.Outcome == "refused") && p.unseen(f)) {
			faults = append(faults, fmt.Sprintf("reset-cause:%s: the kernel says %s", f.Outcome, reason))
		}
	}
	for side, s := range p.sides {
		for _, e := range ofKind(p.said(s.h.endpoint(s.port), s.h.peer.endpoint(p.sides[1-side].port)), tracepoints.Dropped) {
			table["dropped: "+e.Reason]++
		}
	}
	sent, counted := p.resent(rep)
	for side := range sent {
		switch {
		case counted[side] > 0 && sent[side] == 0 && p.counted[side]["RetransSegs"] == 0 && !p.opensTwice(side) && !p.doubled(side) && p.counted[side]["SyncookiesSent"] < 2: // a SYN-ACK that follows a SYN repeats it; with cookies, none is known
			faults = append(faults, "retransmissions: tcptrace counts some, the kernel sent nothing again")
		case counted[side] == 0 && sent[side] > 0 && p.undisturbed() && !p.doubled(side):
			faults = append(faults, "retransmissions: tcptrace counts none, the kernel sent something again")
		}
	}
	all.Lock()
	defer all.Unlock()
	if all.reasons == nil {
		all.reasons = map[string]int{}
	}
	for k, n := range table {
		all.reasons[k] += n
	}
	for side := range sent {
		all.resent[0], all.resent[1], all.resent[2] = all.resent[0]+sent[side], all.resent[1]+p.counted[side]["RetransSegs"], all.resent[2]+counted[side]
	}
	return faults
}

// opensTwice reports whether a host has sent both a SYN and a SYN-ACK: a simultaneous open.
func (p *randomCase) opensTwice(side int) bool {
	var syn, synAck bool
	for _, x := range p.w.packets {
		if x.from == side && x.seg.Flags.Has(reassembly.SYN) {
			synAck = synAck || x.seg.Flags.Has(reassembly.ACK)
			syn = syn || !x.seg.Flags.Has(reassembly.ACK)
		}
	}
	return syn && synAck
}

// doubled reports whether the wire doubled a packet of either side before the tap. Without an IP ID, it
// counts as sent twice; and a host answers both.
func (p *randomCase) doubled(side int) bool {
	return slices.ContainsFunc(p.w.packets, func(x *packet) bool {
		return x.duplicates[0] > 0 && (x.from != side || x.seg.IPID == 0)
	})
}

// resent is how often each kernel says that it sent something again, and how many
// retransmissions tcptrace counts.
func (p *randomCase) resent(rep *tcptrace.Report) (sent, counted [2]int) {
	for side, s := range p.sides {
		local, foreign := s.h.endpoint(s.port), s.h.peer.endpoint(p.sides[1-side].port)
		sent[side] = len(ofKind(p.said(local, foreign), tracepoints.Retransmitted))
		for i := range rep.Flows {
			for e := range reassembly.Side(2) {
				if rep.Flows[i].End[e].AddrPort() == local {
					counted[side] += int(rep.Flows[i].Rexmits[e])
				}
			}
		}
	}
	return sent, counted
}

// reasonOf is the kernel's reason for the RST of a finding: that for the same RST among all
// that the host sent on the connection, seen by the tap or not. It is unknown if one of them is not
// in the trace.
func (p *randomCase) reasonOf(f *tcptrace.Finding) string {
	if p.kernel == nil || p.kernel.lost() {
		return ""
	}
	i := slices.IndexFunc(f.Evidence, func(e detectors.Evidence) bool { return e.Role == "first RST, challenged" }) // of two, that which says why
	if i < 0 {
		i = slices.IndexFunc(f.Evidence, func(e detectors.Evidence) bool { return e.Seg.Flags.Has(reassembly.RST) })
	}
	if i < 0 {
		return ""
	}
	rst := &f.Evidence[i].Seg
	var reasons []string
	for _, e := range ofKind(p.said(rst.Src.AddrPort(), rst.Dst.AddrPort()), tracepoints.SentReset) {
		reasons = append(reasons, e.Reason)
	}
	n, place := 0, -1
	for _, x := range p.w.packets {
		if x.seg.Src != rst.Src || !x.seg.Flags.Has(reassembly.RST) {
			continue
		}
		if x.tapped != 0 && uint32(x.frame) == rst.Frame {
			place = n
		}
		n++
	}
	if place < 0 || n != len(reasons) {
		return ""
	}
	return reasons[place]
}

// said is what the kernels said about one direction of the connection during the case, in
// order.
func (p *randomCase) said(src, dst netip.AddrPort) []tracepoints.Event {
	all := p.kernel.of(src, dst)
	slices.SortStableFunc(all, func(a, b tracepoints.Event) int { return cmp.Compare(a.At, b.At) })
	return slices.DeleteFunc(all, func(e tracepoints.Event) bool { return e.At < p.actions[0].at || e.At > p.ended })
}
