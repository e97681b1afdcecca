package resets

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Data that was still on its way when the RST left, and what the peer sent before the RST arrived.

// crossedData reports whether all that the peer had in flight was on its way when the sender, a socket, sent the RST: it began
// after a pause, and either the RST came sooner than the sender can have received it, or the sender answered it later.
func (c *resetCase) crossedData() bool {
	began := c.sentFor > 0 && c.sentFor < time.Second && c.recent <= uint64(c.lost())
	before := c.peer.bytes > uint64(c.lost()) && c.sender.last.Len == 0 && int64(c.idleBefore) < minQuiet // acknowledged, and perhaps not read
	return began && !before && !c.bare() && c.tries == 0 && c.lost() > 0 && c.beyond() == c.lost() && (c.met.At != 0 || c.sentFor < c.leastRTT)
}

// minFar is how long a round trip takes at least whose length shows a device on the way, which answers in less than a tenth of that: hosts
// that were busy at first answer later by less.
const minFar = 20 * time.Millisecond

// fromNearer reports whether the RST acknowledges data so much sooner than the sender has ever answered that the data can hardly have reached it.
func (c *resetCase) fromNearer() bool {
	last := &c.peer.last
	soon := c.handshakeRTT
	if c.peer.srtt > 0 {
		soon = min(soon, c.peer.srtt)
	}
	return !c.bare() && c.lost() > 0 && c.rst.Ack == last.End() && soon >= minFar && c.rst.At-last.At < int64(soon/10)
}

// meets reports whether a later RST of the sender answers the data: it acknowledges some, or, without ACK, has its number,
// and the peer has sent nothing since.
func (c *resetCase) meets(rst *reassembly.Segment) bool {
	switch last := &c.peer.last; {
	case c.met.At != 0 || c.bare() || c.beyond() == 0 || c.beyond() != c.lost():
		return false
	case rst.Flags.Has(reassembly.ACK):
		return rst.Ack.After(c.rst.Ack) && rst.Ack.AtOrBefore(c.peer.stream.Nxt)
	default:
		return !c.peerSpoke && last.Len > 0 && rst.Seq == last.Ack && time.Duration(rst.At-last.At) <= max(4*c.rtt, answerTime)
	}
}

// passedBy reports whether the peer may have sent the segment before the RST arrived, so that it does not show that the peer still
// has the connection: it comes within two of the peer's round trips, and the least timeout at least, as these vary, or a second where
// none is known. A challenge ACK answers the RST: it acknowledges less than that.
func (c *resetCase) passedBy(seg *reassembly.Mark) bool {
	within := max(2*c.peerRTT, time.Duration(leastRTO))
	if c.peerRTT == 0 {
		within = time.Second
	}
	after := seg.At - c.rst.At
	return after < int64(c.peerRTT) || c.rst.Seq.AtOrBefore(seg.Ack) && after <= int64(within) // else the RST lay beyond what it had, and this is a challenge ACK
}

// crossedDataLost reports whether somebody misses that data.
func (c *resetCase) crossedDataLost() bool {
	return c.crossedData() && !c.seemsClient() && !c.peer.finSent() && !c.unbound() && !c.goodbye()
}

// crossedDataAdvice is that of a request that crosses the end of the connection.
func (c *resetCase) crossedDataAdvice() (cause, action string) {
	if !c.crossedDataLost() {
		return "", ""
	}
	return "The application, or an idle timer of its host or of what accepts connections in its place, ended the connection while data was on its way. " +
			"Often a request crosses the end of an idle keep-alive connection (a 502 or 503 in the log of a proxy).",
		"Let the client close idle connections sooner than the server does (a shorter keep-alive timeout on the client or proxy), and let it repeat requests that are safe to repeat."
}

func (c *resetCase) crossedDataSentence() string {
	m := fmt.Sprintf("%s aborted the connection to %s with a RST (frame %d). The RST came %s after %s from %[2]s (the last in frame %[6]d)",
		c.sender.name, c.peer.name, c.rst.Frame, detectors.Span(int64(c.sentFor)), inBytes(c.beyond()), c.peer.last.Frame)
	if c.sentFor < c.leastRTT {
		m += fmt.Sprintf(", in less than a round trip to %s (%s)", c.sender.name, detectors.Span(int64(min(c.handshakeRTT, c.peer.srtt))))
	} else {
		m += fmt.Sprintf(", and %s answered that data only later (frame %d, %s after the RST)", c.sender.name, c.met.Frame, detectors.Span(c.met.At-c.rst.At))
	}
	m += ": the data was still in flight when the RST left, and is lost."
	if int64(c.idleBefore) >= minQuiet {
		m += fmt.Sprintf(" Before it, nothing had been sent for %s: an idle timer may have expired.", detectors.Span(int64(c.idleBefore)))
	}
	return m + c.ownLoss()
}
