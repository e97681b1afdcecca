package detectors

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Verdict says whether the capture proves the finding.
type Verdict uint8

// The two answers that are reported; the third, "no", is silence.
const (
	Seen      Verdict = iota // a fact about the capture
	Undecided                // the capture cannot decide; Reason says why
)

// String is "seen" or "undecided".
func (v Verdict) String() string {
	if v == Undecided {
		return "undecided"
	}
	return "seen"
}

// Severity orders findings for people and for --fail-on.
type Severity uint8

// Three severities; there is nothing below Info.
const (
	Info Severity = iota
	Warning
	Critical
)

// String is "info", "warning" or "critical".
func (s Severity) String() string { return [...]string{"info", "warning", "critical"}[s] }

// An Absence is what a finding misses, if it rests on something that did not come.
type Absence uint8

// What may be absent. A capture as a whole may show that it holds none of these.
const (
	NoAbsence       Absence = iota
	AnyAbsence              // something of this connection
	NoFINAck                // the ACK of a FIN: a filter may leave all such out
	NoSYNAnswer             // an answer to a SYN: the capture may hold nothing but SYNs
	NoDataAnswer            // an answer to the first data: of servers, the capture may hold nothing but SYN-ACKs
	NothingAfterFIN         // the ACK of a FIN, and all else after it: a capture may leave out what follows the second one
)

// A Scope is what a verdict rests on beside its own connection. An engine knows that once it knows all
// connections, and not before: detectors see one.
type Scope uint8

// What else there may be.
const (
	OneConnection   Scope = iota
	OtherConnection       // another one with the same SYN, or of the same hosts at the same time, or the same one on the other side of an address translation
	WholeCapture          // the capture's clock, the ACKs that it lacks, when it has its hosts for the last time, or when others were late
)

// String is "connection", "other-connection" or "capture".
func (s Scope) String() string { return [...]string{"connection", "other-connection", "capture"}[s] }

// Evidence is one telling frame: what it shows, and the segment itself.
type Evidence struct {
	Role string // "window closed", "FIN, never acknowledged"
	Seg  reassembly.Segment
}

// A Role names one end's part in the fault: "prober", "receiver".
type Role struct {
	Name string
	Side reassembly.Side
}

// Roles are the parts of both ends: name is the side's, peer its peer's.
func Roles(name string, side reassembly.Side, peer string) []Role {
	return []Role{{name, side}, {peer, side.Peer()}}
}

// A Metric is one measured fact. Value is an int (counts, bytes), a float64
// (seconds where the name ends in _s, otherwise a ratio) or a string.
type Metric struct {
	Name  string
	Value any
}

// A Finding is one fault of one connection, with the frames that prove it.
type Finding struct {
	Detector string
	Outcome  string // one of the detector's declared outcomes
	Verdict  Verdict
	Reason   string // why undecided; empty when seen
	Severity Severity
	short    bool            // see Shorten
	draft    bool            // see Draft
	Subject  reassembly.Side // whom the finding is about
	Fault    Fault           // whether that is whose fault it is
	Roles    []Role
	States   [2]fsm.State // both ends, by side, as the verdict found them
	Start    int64        // nanoseconds since 1970: the anchor frame
	End      int64        // the last moment that the finding speaks of
	At       int64        // when it could be said: a frame or a deadline
	Title    string       // one line
	Message  string       // the sentence for the ticket, endpoints named
	Cause    string       // in place of the outcome's, where this finding knows better
	Action   string       // likewise
	Peers    string       // what Wireshark makes of these very frames; empty where Doc.Peers says it
	Limits   fsm.Limits
	Premises
	Scope     Scope
	Absence   Absence    // it rests on something that did not come, which a lossy capture may have missed
	Needs     fsm.Limits // see Outcome.Needs
	Handshake bool       // see Outcome.Handshake
	Metrics   []Metric
	Evidence  []Evidence // [0] is the anchor; empty only if it is short: see Shorten
}

// A Standing finding is one that was reported and not withdrawn. Many that are only counted may share one
// Finding.
type Standing struct {
	*Finding
	File  uint16 // of the anchor
	Frame uint32 // the anchor
}
