// Package result is what an analysis found, as plain data: the engine fills
// it, the reports print it, programs get it from tcptrace.Analyze.
package result

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Report is one whole analysis.
type Report struct {
	Options  Options
	Captures []Capture
	Trace    Span
	Apart    bool // the captures have nothing to do with each other: there is no trace
	Notes    []Note
	Taps     []Tap  // capture points of the same connections; none if there is one place
	Gaps     []Span // without any frame for over an hour, or while the capture was interrupted, First to Last; an absence does not count beyond one
	Totals   Totals
	Flows    []Flow // sorted by ID; those with findings, or all
	Findings []Finding
	Err      error // of the detectors themselves: an outcome that one does not declare; nil as a rule
}

// Options are the settings that the verdicts depend on.
type Options struct {
	TimeWait  int64    // nanoseconds
	Detectors []string // in the order of the catalogue
}

// Span is a range of trace time in nanoseconds since 1970; all zero if nothing
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
	Drops       uint64 // packets that the capturing kernel or interface reports as dropped
	Unordered   bool   // it is not in order of time: trace time goes on where its times go back
	Warnings    []string
	Turns       stats.Turns // of frame numbers
}

// A Note is a limit of the whole capture, and its consequence.
type Note struct {
	Name    string // "offload", "one-sided", "lossy", "doubled", "filtered", "cut", "relayed", "batched", "interrupted", "no-tcp", "sockets"
	Message string
}

// Totals are the counts of the closing line.
type Totals struct {
	Packets      uint64 // frames of any kind
	TCPSegments  uint64 // every TCP segment, duplicate frames included
	Duplicates   uint64 // of these, duplicate frames
	Rexmits      uint64 // of these, retransmissions
	Flows        uint64
	Skipped      []Count // by reason, sorted by reason
	EvictedFlows uint64
	Known        uint64  // findings left out because an earlier report has them
	Hidden       uint64  // findings left out because of their severity
	CrowdedFlows uint64  // of these, connections that were dropped because too many had their four-tuple
	Groups       []Group // undecided and seen findings by detector and outcome, in the order of the detectors
}

// A Count is a named number.
type Count struct {
	Name string
	N    uint64
}

// A Group counts the findings of one detector, outcome and verdict. If a
// detector has findings on thousands of connections, the report lists the
// worst of them.
type Group struct {
	Detector, Outcome string
	Verdict           detectors.Verdict
	Severity          detectors.Severity // the worst among them
	N                 uint64             // all
	Listed            uint64             // of these, in Report.Findings
}

// Initiator says who opened a connection.
type Initiator uint8

// The side that sent the first SYN; unknown without one.
const (
	InitiatorUnknown Initiator = iota
	InitiatorA
	InitiatorB
)

// String is "unknown", "a" or "b".
func (i Initiator) String() string { return [...]string{"unknown", "a", "b"}[i] }

// A Predecessor is the connection in TIME_WAIT whose four-tuple a new one reused.
type Predecessor struct {
	Conn   uint64 // its Flow.Conn; 0 if there is none
	First  int64  // time of its first frame, nanoseconds since 1970
	Frames uint64 // until the new one began, duplicate frames included
}

// A Flow is one connection's row.
type Flow struct {
	ID          uint64      // 1-based, in order of first frames
	Conn        uint64      // number of its first segment among those of the trace: identifies it in every run
	Predecessor Predecessor // the connection in TIME_WAIT whose four-tuple it reused
	Key         reassembly.Key
	End         [2]reassembly.Endpoint // by side: A sent the SYN, or the first segment seen
	Initiator   Initiator
	State       [2]fsm.State
	Bounded     [2]bool
	Since       [2]int64 // when each state was entered, nanoseconds since 1970
	Ending      string   // open closed half-closed reset refused unanswered replaced evicted
	First       int64    // time of its first frame, nanoseconds since 1970
	Last        int64
	ISS         [2]reassembly.Seq // for relative sequence numbers; the first one seen if no SYN was
	Packets     [2]uint64         // sent by each side, without duplicate frames
	Bytes       [2]uint64         // payload bytes sent, each byte once
	Rexmits     [2]uint64
	Duplicates  uint64 // duplicate frames
	RTT         int64  // nanoseconds; 0 if unknown
	History     string
	ClosedFirst Initiator // who sent the first FIN, or without one the RST that ended it; unknown if neither came
	Doubled     [2]bool   // payload of each side arrived twice, by D-SACK, though it was sent once
	Limits      fsm.Limits
	TCB         *[2]fsm.TCB   // both ends, only of connections that are followed
	Time        *waits.Record // where the time went; nil unless that was asked for
	Strip       *waits.Strip  // all of that in order, only of a connection that is followed
	Taps        []FlowTap     // what each of several taps saw of it
	Between     []Between     // what happened between every two neighbouring taps
	Sockets     []Socket      // what a kernel says about its ends, by side and time; nil if none was asked
}

// A Finding is a detector's finding about one connection of the trace.
type Finding struct {
	*detectors.Finding
	ID       string // stable: see engine
	Flow     *Flow
	Revision int    // live: 1, 2, ... as the outcome changes
	Final    bool   // it cannot change any more
	Other    uint64 // Flow.Conn of another connection with the same SYN, on which it rests; 0 if there is none
	FINRank  int    // 0 if it concerns the first FIN of the connection, 1 for the second

	Ladder *Ladder   // its segments on their way between two taps; nil if there is one
	Path   [2]string // the capture points between which it happened; empty if it is between the ends

	Also []uint16 // other captures that are identical and have it, too

	Sockets      []Socket      // what a kernel says about the ends of its connection at about that time
	KernelEvents []KernelEvent // live: what it did with the segments, and why

	Withdrawn bool // live: a later frame explains it, so that it no longer holds
}

// A Step is one segment of a followed connection, and the states of both ends
// after it.
type Step struct {
	Conn    uint64 // its connection's Flow.Conn
	N       uint64 // 1 for the connection's first segment; duplicate frames do not count
	Seg     reassembly.Segment
	Side    reassembly.Side
	Class   fsm.Class
	State   [2]fsm.State
	Bounded [2]bool
}

// A FrameID identifies a frame among all inputs.
type FrameID struct {
	File  uint16
	Frame uint32
}

// FrameOf is the frame of a segment.
func FrameOf(seg *reassembly.Segment) FrameID { return FrameID{seg.File, seg.Frame} }
