package report

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ends names the two sides of a connection as the notation does: client and
// server where a SYN was seen, which is what makes them so, else the endpoints.
func ends(f *result.Flow) [2]string {
	switch f.Initiator {
	case result.InitiatorA:
		return [2]string{"client", "server"}
	case result.InitiatorB:
		return [2]string{"server", "client"}
	}
	return [2]string{f.End[reassembly.A].String(), f.End[reassembly.B].String()}
}

// opener is the side that opened the connection, or that spoke first.
func opener(f *result.Flow) reassembly.Side {
	if f.Initiator == result.InitiatorB {
		return reassembly.B
	}
	return reassembly.A
}

// connection is "10.0.0.1:40000 > 10.0.0.2:443", the opener's end first, or
// with a dash if none is known.
func connection(f *result.Flow) string {
	first := opener(f)
	return f.End[first].String() + " " + string(arrow(f)) + " " + f.End[first.Peer()].String()
}

// arrow points to the side that was called; a dash if nobody was seen calling.
func arrow(f *result.Flow) byte {
	if f.Initiator == result.InitiatorUnknown {
		return '-'
	}
	return '>'
}

// party is "client 10.0.0.1:40000", or the mere endpoint.
func party(f *result.Finding, side reassembly.Side) string {
	endpoint := f.Flow.End[side].String()
	if f.Flow.Initiator == result.InitiatorUnknown {
		return endpoint
	}
	return ends(f.Flow)[side] + " " + endpoint
}

// culpritName is "client", "server" or nothing.
func culpritName(f *result.Finding) string {
	if f.Flow.Initiator == result.InitiatorUnknown {
		return ""
	}
	return ends(f.Flow)[f.Culprit]
}

// part is "receiver, culprit"; nobody is one before it is decided.
func part(f *result.Finding, side reassembly.Side) string {
	var words []string
	for _, role := range f.Roles {
		if role.Side == side {
			words = append(words, Clean(role.Name))
		}
	}
	switch {
	case f.Culprit != side:
	case f.Verdict == detectors.Undecided:
		words = append(words, "suspect")
	default:
		words = append(words, "culprit")
	}
	return strings.Join(words, ", ")
}

// sender is the side that sent the segment.
func sender(f *result.Flow, seg *reassembly.Segment) reassembly.Side {
	if seg.Src == f.End[reassembly.A] {
		return reassembly.A
	}
	return reassembly.B
}
