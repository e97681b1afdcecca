package report

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ends names the two sides of a connection as a scenario does: client and
// server if a SYN was seen, else the endpoints.
func ends(f *result.Flow) [2]string {
	switch f.Initiator {
	case result.InitiatorA:
		return [2]string{"client", "server"}
	case result.InitiatorB:
		return [2]string{"server", "client"}
	}
	return [2]string{f.End[reassembly.A].String(), f.End[reassembly.B].String()}
}

// opener is the side that opened the connection, or that sent the first segment
// seen.
func opener(f *result.Flow) reassembly.Side {
	if f.Initiator == result.InitiatorB {
		return reassembly.B
	}
	return reassembly.A
}

// openerFirst are both sides, the opener's first.
func openerFirst(f *result.Flow) [2]reassembly.Side {
	first := opener(f)
	return [...]reassembly.Side{first, first.Peer()}
}

// connection is "10.0.0.1:40000 > 10.0.0.2:443", the opener's end first, or
// with a dash if none is known.
func connection(f *result.Flow) string {
	first := opener(f)
	return f.End[first].String() + " " + string(arrow(f)) + " " + f.End[first.Peer()].String()
}

// arrow points to the side that accepted; a dash if no SYN was seen.
func arrow(f *result.Flow) byte {
	if f.Initiator == result.InitiatorUnknown {
		return '-'
	}
	return '>'
}

// name is "client", "server" or nothing.
func name(f *result.Flow, side reassembly.Side) string {
	if f.Initiator == result.InitiatorUnknown {
		return ""
	}
	return ends(f)[side]
}

// party is "client 10.0.0.1:40000", or the endpoint alone.
func party(f *result.Flow, side reassembly.Side) string {
	return strings.TrimSpace(name(f, side) + " " + f.End[side].String())
}

// path is both ends of the connection, the opener's first.
func path(f *result.Flow) [2]string {
	first := opener(f)
	return [2]string{f.End[first].String(), f.End[first.Peer()].String()}
}

// pathOf is the path that a finding is about: between two capture points, or the ends.
func pathOf(f *result.Finding) [2]string {
	if f.Path[0] != "" {
		return f.Path
	}
	return path(f.Flow)
}

// whose is what a finding is about: an endpoint, or the path between both.
func whose(f *result.Finding) string {
	if f.Fault != detectors.FaultPath {
		return party(f.Flow, f.Subject)
	}
	between := pathOf(f)
	if f.Path[0] != "" {
		return "path " + Clean(between[0]) + "-" + Clean(between[1])
	}
	who := "path "
	if first := opener(f.Flow); name(f.Flow, first) != "" {
		who += name(f.Flow, first) + "-" + name(f.Flow, first.Peer()) + ", "
	}
	return who + between[0] + "-" + between[1]
}

// culprit is the host that is at fault, or that is the first to ask; empty where the
// finding names none.
func culprit(f *result.Finding) string {
	if !f.Fault.NamesHost() {
		return ""
	}
	return f.Flow.End[f.Subject].String()
}

// roles is "receiver, culprit"; nobody is one before it is decided.
func roles(f *result.Finding, side reassembly.Side) string {
	var words []string
	for _, role := range f.Roles {
		if role.Side == side {
			words = append(words, Clean(role.Name))
		}
	}
	switch {
	case f.Subject != side || !f.Fault.NamesHost():
	case f.Verdict == detectors.Undecided || f.Fault == detectors.FaultSuspected:
		words = append(words, "suspect")
	default:
		words = append(words, "culprit")
	}
	return strings.Join(words, ", ")
}

// sender is the side that sent the segment. At another capture point one address may be
// translated: the other one tells.
func sender(f *result.Flow, seg *reassembly.Segment) reassembly.Side {
	a, b := f.End[reassembly.A], f.End[reassembly.B]
	if seg.Src == a || seg.Src != b && seg.Dst == b {
		return reassembly.A
	}
	return reassembly.B
}
