// Package result is what an analysis found, as plain data: the engine fills
// it, the reports print it, programs get it from tcptrace.Analyze.
package result

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Report is one whole analysis.
type Report struct {
	Options  Options
	Captures []Capture
	Trace    Span
	Notes    []Note
	Gaps     []Span // over an hour without a single frame, First to Last; they end the trace for what is absent
	Totals   Totals
	Flows    []Flow // sorted by ID; those with findings, or all
	Findings []Finding
	Err      error // of the detectors themselves: an outcome that one does not declare; nil as a rule
}

// Options are the settings that the verdicts depend on.
type Options struct {
	TimeWait  int64    // nanoseconds
	Detectors []string // in order of the list
}

// Span is a stretch of trace time, nanoseconds since 1970; all zero if nothing
// was read. End is the end of the trace: its last frame of any kind, or a
// later end that a file states.
type Span struct{ First, Last, End int64 }

// A Capture is one input file.
type Capture struct {
	File        string
	Format      string   // "pcap", "pcapng", "scenario"
	Compression string   // "", "gzip", "zstd", "lz4", "xz"
	LinkTypes   []string // "ETHERNET", in order of appearance
	Packets     uint64
	Bytes       uint64 // captured bytes of all packets
	Span        Span
	Drops       uint64 // packets that the capturing kernel or interface says it lost
	Warnings    []string
}

// A Note is what the capture as a whole hides or distorts, with the consequence.
type Note struct {
	Name    string // "offload", "one-sided", "lossy", "doubled", "filtered", "cut"
	Message string
}

// Totals are the counts of the closing line.
type Totals struct {
	Packets      uint64 // frames of any kind
	TCPSegments  uint64 // every TCP segment, copies included
	Copies       uint64 // of these, frames captured more than once
	Flows        uint64
	Skipped      []Count // by reason, sorted by reason
	EvictedFlows uint64
	Groups       []Group // undecided and seen findings by detector and outcome, in order of detectors
}

// A Count is a named number.
type Count struct {
	Name string
	N    uint64
}

// A Group counts the findings of one detector, outcome and verdict. Where a
// detector speaks of tens of thousands of connections, the report does not list
// them all.
type Group struct {
	Detector, Outcome string
	Verdict           detectors.Verdict
	Severity          detectors.Severity // the worst among them
	N                 uint64             // all
	Listed            uint64             // of these, in Report.Findings
}

// Initiator says who opened a connection.
type Initiator uint8

// Who opened: unknown without a SYN.
const (
	InitiatorUnknown Initiator = iota
	InitiatorA
	InitiatorB
)

// String is "unknown", "a" or "b".
func (i Initiator) String() string { return [...]string{"unknown", "a", "b"}[i] }

// A Former is the connection whose ports another one took during TIME_WAIT.
type Former struct {
	Conn   uint64 // its Flow.Conn; 0 if there is none
	First  int64
	Frames uint64 // until the other began, copies included
}

// A Flow is one connection's row.
type Flow struct {
	ID        uint64 // 1-based, in order of first frames
	Conn      uint64 // position of its first segment among those of the trace: names it in every run
	Former    Former // the connection whose ports it took during TIME_WAIT
	Key       reassembly.Key
	End       [2]reassembly.Endpoint // by side: A sent the SYN, or spoke first
	Initiator Initiator
	State     [2]fsm.State
	Bounded   [2]bool
	Since     [2]int64 // when each state was entered, nanoseconds since 1970
	Ending    string   // open closed half-closed reset refused unanswered replaced evicted
	First     int64
	Last      int64
	ISS       [2]reassembly.Seq // for relative sequence numbers; first sequence seen if no SYN was
	Packets   [2]uint64         // sent by each side, copies left out
	Bytes     [2]uint64         // payload bytes sent, each byte once
	Rexmits   [2]uint64
	Copies    uint64
	RTT       int64 // nanoseconds; 0 if unknown
	History   string
	Limits    fsm.Limits
	TCB       *[2]fsm.TCB // both ends, only of connections that are followed
}

// A Finding is a detector's finding with its place in the trace.
type Finding struct {
	detectors.Finding
	ID       string // stable: see engine
	Flow     *Flow
	Revision int  // live: 1, 2, ... as the outcome changes
	Final    bool // it cannot change any more
	FINRank  int  // whether the FIN it speaks of was the first of the connection, 0, or the second

	Withdrawn bool // live: a later frame explains it; it does not stand any more
}

// A Turn is one segment of a connection that is told in full, and where it left
// both ends.
type Turn struct {
	Conn    uint64 // its connection's Flow.Conn
	N       uint64 // 1 for the connection's first segment; copies do not count
	Seg     reassembly.Segment
	Side    reassembly.Side
	Class   fsm.Class
	State   [2]fsm.State
	Bounded [2]bool
}
