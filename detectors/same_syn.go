package detectors

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What else became of the SYN on which a finding rests.

// A SYNKey names a SYN wherever it is captured: address translation of the destination
// changes neither the client nor its initial sequence number.
type SYNKey struct {
	Client reassembly.Endpoint
	ISN    reassembly.Seq
}

// AnsweredTwice says that the SYN on which the finding rests opened another connection of
// the same addresses, by a SYN-ACK with another initial sequence number. Engines call it
// as they call SentElsewhere.
func (f *Finding) AnsweredTwice() {
	f.Fault, f.Scope = FaultUnknown, OtherConnection
	f.Cause = "Two hosts answer for the address, or one forgot the SYN in between. The client can take one of the SYN-ACKs only."
	f.Message += " The same SYN was also answered with another initial sequence number, and that connection opened: two hosts answer for the address, or one forgot the SYN in between. " +
		"The RST ends only what the other SYN-ACK began."
}

// AskedBefore says of a client whose SYN its connection lacks (Unasked is set) that it was answered with another initial sequence
// number, in a connection that did not open. Engines call it as they call SentElsewhere; frame is the client's last there.
func (f *Finding) AskedBefore(frame uint32) {
	if !f.Unasked {
		return
	}
	f.Scope = OtherConnection
	f.Message += fmt.Sprintf(" It is in another connection of these ports, where SYN-ACKs with another initial sequence number answered it (the client's last segment there: frame %d).", frame)
	f.Cause = "A RST had ended that other connection when the same SYN arrived again, two hosts answer for the address, or one forgot the SYN."
}

// SentElsewhere says that the SYN on which the finding rests (SYN is not nil) was also
// captured on its way to another address, from where nothing answered it: the
// destination is translated in between (DNAT), and the answer came from behind the
// translation. The client cannot know its sender. Engines call it once all connections
// are known; frame is that of the other SYN.
func (f *Finding) SentElsewhere(to reassembly.Endpoint, frame uint32) {
	server := f.Evidence[0].Seg.Dst
	f.Severity, f.Fault, f.Scope, f.Cause = Warning, FaultPath, OtherConnection, "" // address translation is among the declared ones
	f.Message += fmt.Sprintf(" The same SYN, with the same port and initial sequence number, also went to %v (frame %d), and nothing answered from there: the address is translated between the two (DNAT), "+
		"and the answer from %v was not translated back. The client never opened a connection to %[3]v, and its RST is right.", to, frame, server)
}
