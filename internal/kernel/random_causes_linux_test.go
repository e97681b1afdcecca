package kernel

import (
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What really happened, for findings that say why.

// causes are the possible outcomes for a RST, by the reason why it was sent. Hosts
// without a socket send RSTs without ACK.
var causes = map[string][]string{
	"with ACK, at abort":              {"aborted", "unread-data"},
	"with ACK, at close":              {"aborted", "unread-data"},
	"with ACK, at close unread":       {"aborted", "unread-data"},
	"with ACK, at close listener":     {"aborted", "unread-data"},
	"with ACK, when it timed out":     {"aborted", "unread-data"},
	"bare, after forgot ESTABLISHED":  {"half-open", "keepalive-refused", "handshake-reset"}, // its ACK may be lost before the tap
	"bare, after forgot CLOSE_WAIT":   {"half-open", "keepalive-refused"},
	"bare, after forgot FIN_WAIT_1":   {"half-open", "keepalive-refused", "data-after-close", "aborted"}, // its FIN may be queued, or in flight
	"bare, after forgot FIN_WAIT_2":   {"data-after-close", "keepalive-refused", "aborted", "stale"},
	"bare, after forgot SYN_RECEIVED": {"half-open", "keepalive-refused", "handshake-reset"},
	"bare, after forgot LAST_ACK":     {"half-open", "keepalive-refused", "data-after-close", "aborted", "stale"}, // its FIN may be queued
	"bare, after forgot SYN_SENT":     {"handshake-reset", "half-open"},                                           // it may have become ESTABLISHED meanwhile
	"bare, after forgot, closed":      {"data-after-close", "keepalive-refused", "aborted", "stale", "half-open"},
	"bare, after close":               {"handshake-reset", "half-open", "keepalive-refused", "data-after-close"},
	"bare, after close with FIN":      {"data-after-close", "keepalive-refused", "aborted", "stale", "half-open"},
	"bare, when it timed out":         {"half-open", "keepalive-refused", "handshake-reset", "data-after-close", "stale", "aborted"},
}

// mayBe reports whether an outcome is possible for a RST.
func (p *randomCase) mayBe(rst *packet, outcome string) bool {
	return slices.Contains(causes[p.causeOf(rst)], outcome) || (outcome == "refused" || outcome == "handshake-reset") && p.refuses(rst)
}

// causeOf is why a host sent a RST, according to the actions. What the host did with a later
// connection is no cause: a RST may answer what belongs to the one before.
func (p *randomCase) causeOf(rst *packet) string {
	const atOnce = 50e6
	next := p.nextSYN(rst)
	form := "bare, "
	if rst.seg.Flags&reassembly.ACK != 0 {
		form = "with ACK, "
	}
	forgot, closed, begun := "", false, int64(0)
	for _, d := range p.actions {
		if d.at > next {
			break
		}
		if d.what == "connect" && (strings.Contains(d.more, "cannot") || next < rst.sent && next-d.at < atOnce) { // it failed, or is that of the SYN
			continue
		}
		if d.what == "connect" {
			begun = d.at
		}
		if d.side != rst.from {
			continue
		}
		switch d.what {
		case "abort", "close unread", "close", "close listener":
			if form == "with ACK, " && rst.sent-d.at < atOnce {
				return form + "at " + d.what
			}
			closed = closed || d.what != "close listener"
		case "forget":
			forgot, closed = d.more, false
		case "connect", "accept":
			forgot, closed = "", false
		}
	}
	fin := slices.ContainsFunc(p.w.packets, func(x *packet) bool {
		return x.from == rst.from && x.sent > begun && x.sent < rst.sent && x.tapped != 0 && x.seg.Flags.Has(reassembly.FIN)
	})
	switch {
	case forgot != "" && form == "with ACK, ": // it was not muted in time
		return form + "at abort"
	case forgot != "" && fin:
		return form + "after forgot, closed"
	case forgot != "":
		return form + "after forgot " + forgot
	case closed && fin:
		return form + "after close with FIN"
	case closed:
		return form + "after close"
	}
	return form + "when it timed out"
}

// nextSYN is when the host sent the first SYN of a later connection than that of its RST, by the
// sequence numbers; the time of the RST if it has sent none. Initial sequence numbers lie further apart than
// what a connection of a case sends.
func (p *randomCase) nextSYN(rst *packet) int64 {
	const within = 1 << 20
	own := false
	for _, x := range p.w.packets {
		if x.sent > rst.sent {
			break
		}
		if x.from != rst.from || !x.seg.Flags.Has(reassembly.SYN) {
			continue
		}
		switch d := x.seg.Seq.To(rst.seg.Seq); {
		case d >= 0 && d < within:
			own = true
		case own:
			return x.sent
		}
	}
	return rst.sent
}

// refuses reports whether a RST answers a SYN.
func (p *randomCase) refuses(rst *packet) bool {
	for _, x := range p.w.packets {
		if x.from != rst.from && x.arrived != 0 && x.arrived <= rst.sent && x.seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN && rst.seg.Ack == x.seg.End() {
			return true
		}
	}
	return false
}

// answersCopy reports whether a RST may answer a segment of which the wire delivered a copy, too: the
// first ended the connection. A tap before that sees one; of two with the same IP ID, one counts.
func (p *randomCase) answersCopy(rst *packet) bool {
	return slices.ContainsFunc(p.w.packets, func(x *packet) bool {
		return x.from != rst.from && x.duplicates != [2]int{} && x.arrived != 0 && x.arrived <= rst.sent && rst.sent-x.arrived < 50e6 && rst.seg.Seq == x.seg.Ack
	})
}

// undisturbed reports whether nothing was lost, forgotten or delayed, or thrown away because
// the queue of connections to be accepted was full.
func (p *randomCase) undisturbed() bool {
	if p.counted[0]["ListenDrops"]+p.counted[1]["ListenDrops"] > 0 {
		return false
	}
	for _, x := range p.w.packets {
		if x.tapped == 0 || x.arrived == 0 {
			return false
		}
	}
	return !slices.ContainsFunc(p.actions, func(d action) bool {
		return slices.Contains([]string{"forget", "defer accept", "user timeout"}, d.what)
	})
}

// gone says whether a side has lost its socket, or whether the last segment to or
// from it was lost.
func (p *randomCase) gone(side int) string {
	said := ""
	for _, d := range p.actions {
		if d.side == side && d.what == "forget" {
			said = "forgot"
		}
	}
	var last [2]*packet
	for _, x := range p.w.packets {
		last[x.from] = x
	}
	if x := last[1-side]; x != nil && x.arrived == 0 {
		said += " deaf"
	}
	if x := last[side]; x != nil && x.tapped == 0 {
		said += " dumb"
	}
	return said
}
