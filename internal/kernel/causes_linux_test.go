package kernel

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What was really done, where a finding says why something happened.

// causes are what may be said of a RST, by why it was sent. Hosts without a socket
// send bare ones.
var causes = map[string][]string{
	"with ACK, at abort":              {"aborted", "unread-data"},
	"with ACK, at close":              {"aborted", "unread-data"},
	"with ACK, at close unread":       {"aborted", "unread-data"},
	"with ACK, at close listener":     {"aborted", "unread-data"},
	"with ACK, when it timed out":     {"aborted", "unread-data"},
	"bare, after forgot ESTABLISHED":  {"half-open", "keepalive-refused"},
	"bare, after forgot CLOSE_WAIT":   {"half-open", "keepalive-refused"},
	"bare, after forgot FIN_WAIT_1":   {"half-open", "keepalive-refused", "data-after-close", "aborted"}, // its FIN may wait, or be under way
	"bare, after forgot FIN_WAIT_2":   {"data-after-close", "keepalive-refused", "aborted", "stale"},
	"bare, after forgot SYN_RECEIVED": {"half-open", "keepalive-refused", "handshake-reset"},
	"bare, after forgot SYN_SENT":     {"handshake-reset"},
	"bare, after forgot, closed":      {"data-after-close", "keepalive-refused", "aborted", "stale", "half-open"},
	"bare, after close":               {"handshake-reset", "half-open", "keepalive-refused", "data-after-close"},
	"bare, after close with FIN":      {"data-after-close", "keepalive-refused", "aborted", "stale", "half-open"},
	"bare, when it timed out":         {"half-open", "keepalive-refused", "handshake-reset", "data-after-close", "stale", "aborted"},
}

// mayBe says whether a RST may be called so.
func (p *plot) mayBe(rst *passage, outcome string) bool {
	return slices.Contains(causes[p.causeOf(rst)], outcome) || (outcome == "refused" || outcome == "handshake-reset") && p.refuses(rst)
}

// causeOf is why a host sent a RST, by what was done to it.
func (p *plot) causeOf(rst *passage) string {
	const atOnce = 50e6
	form := "bare, "
	if rst.seg.Flags&reassembly.ACK != 0 {
		form = "with ACK, "
	}
	forgot, closed, begun := "", false, int64(0)
	for _, d := range p.deeds {
		if d.at > rst.sent {
			break
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
	fin := slices.ContainsFunc(p.w.passages, func(x *passage) bool {
		return x.from == rst.from && x.sent > begun && x.sent < rst.sent && x.tapped != 0 && x.seg.Flags.Has(reassembly.FIN)
	})
	switch {
	case forgot != "" && form == "with ACK, ": // it was not silenced in time
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

// refuses says whether a RST answers a SYN.
func (p *plot) refuses(rst *passage) bool {
	for _, x := range p.w.passages {
		if x.from != rst.from && x.arrived != 0 && x.arrived <= rst.sent && x.seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN && rst.seg.Ack == x.seg.End() {
			return true
		}
	}
	return false
}

// whole says that nothing was lost, nor forgotten, nor put off.
func (p *plot) whole() bool {
	for _, x := range p.w.passages {
		if x.tapped == 0 || x.arrived == 0 {
			return false
		}
	}
	return !slices.ContainsFunc(p.deeds, func(d deed) bool { return slices.Contains([]string{"forget", "defer accept", "user timeout"}, d.what) })
}

// gone says whether the side forgot its end, or whether what is sent to it or by
// it was lost at last.
func (p *plot) gone(side int) string {
	said := ""
	for _, d := range p.deeds {
		if d.side == side && d.what == "forget" {
			said = "forgot"
		}
	}
	var last [2]*passage
	for _, x := range p.w.passages {
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
