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
