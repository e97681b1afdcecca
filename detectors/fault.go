package detectors

// A Fault says whose fault a finding is. Loss, black holes and silence look the same
// whether a host or the path between caused them: they name no host.
type Fault uint8

// Whose fault it may be.
const (
	FaultUnknown   Fault = iota // the capture cannot tell, and nobody is named
	FaultSuspected              // the capture cannot tell, but the subject is the first to ask
	FaultHost                   // the subject's own behaviour shows it
	FaultPath                   // something between the two hosts
)

// String is "host", "path" or "unknown".
func (f Fault) String() string {
	switch f {
	case FaultHost:
		return "host"
	case FaultPath:
		return "path"
	}
	return "unknown"
}

// NamesHost reports whether a finding with this fault names its subject as culprit.
func (f Fault) NamesHost() bool { return f == FaultHost || f == FaultSuspected }

// CauseProxy is the cause where the peer's SYN-ACK was made from the SYN, and nothing else came.
const CauseProxy = "A device on the path, such as a SYN proxy or a filter, answered the SYN in the peer's name, as its IP ID shows. It answers nothing else on this connection, " +
	"and whether it ever opened one to the peer is not in the capture."
