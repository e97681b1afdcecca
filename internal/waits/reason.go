package waits

// Reason says why time is unknown.
type Reason uint8

// The reasons, the strongest last.
const (
	NoReason   Reason = iota
	Midstream         // without the handshake nobody knows who is the client
	NoScale           // without the SYNs windows are not known
	Holes             // bytes were acknowledged that the capture has not seen
	Unrecorded        // nothing was captured for over an hour
	NoAcks            // pure ACKs are missing throughout
	OneSided          // only one direction was captured
	numOfReason
)

var reasons = [numOfReason]string{
	"", "midstream: the handshake was not captured, so it is unknown who is the client",
	"scale-unknown: the handshake was not captured, so the size of the windows is unknown",
	"holes: bytes were acknowledged that the capture has not seen",
	"nothing at all was captured for over an hour",
	"acks-filtered: the capture leaves out pure ACKs, so it is unknown what waited for them",
	"one-sided: only one direction was captured",
}

// String is a sentence without its full stop, empty for no reason.
func (r Reason) String() string { return reasons[r] }

// blame notes why time is unknown.
func (a *Account) blame(r Reason) { a.why = max(a.why, r) }
