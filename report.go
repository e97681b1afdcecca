package tcptrace

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Report is the result of an analysis.
//
// Points in time are nanoseconds since 1970-01-01 UTC. Arrays of two are by side,
// to be indexed with [reassembly.A] and [reassembly.B].
type Report struct {
	Options  ReportOptions // the settings that findings depend on
	Captures []Capture     // the inputs, in the order of the arguments of Analyze
	Trace    Span          // of all captures together
	Notes    []Note        // what limits the whole trace
	Gaps     []Span        // without any frame for more than an hour, or while the capture was interrupted, from First to Last; an absence does not count beyond one
	Totals   Totals
	Taps     []Tap     // places where the same connections were captured, if there are several
	Flows    []Flow    // sorted by ID; connections with findings, or all of them with Options.AllFlows
	Findings []Finding // by time, then connection, then detector

	numbers result.Report // its captures know frame numbers
}

// FrameNumber is the number of a segment's frame in its file, from 1. A segment holds only the
// low 32 bits.
func (r *Report) FrameNumber(seg *reassembly.Segment) uint64 {
	return r.numbers.FrameNumberOf(seg)
}

// ReportOptions are the settings that the findings of a report depend on.
type ReportOptions struct {
	TimeWait  time.Duration // how long TIME_WAIT is assumed to last
	Detectors []string      // names of the detectors that were run, in order
}

// A Span is a range of trace time.
type Span struct {
	First int64 // first frame; 0 if there is none
	Last  int64 // last frame; 0 if there is none
	End   int64 // last frame, or a later end that a capture states
}

// A Capture is one input file.
type Capture struct {
	File        string   // name, as given to Analyze
	Format      string   // "pcap", "pcapng", "scenario", "shard", "snoop", "netmon2", "tcpdump" (text) ...; empty if the file could not be read
	Compression string   // "gzip", "zstd", "lz4", "xz"; empty if there is none
	LinkTypes   []string // such as "ETHERNET", in order of appearance
	Packets     uint64   // frames of any kind
	Bytes       uint64   // captured bytes of all frames
	Span        Span
	Drops       uint64   // packets that the capturing kernel or interface reports as dropped
	Warnings    []string // sentences: damage, clock steps
}

// A Note is a property of the whole trace that limits what it can prove.
type Note struct {
	Name    string // "offload", "one-sided", "lossy", "doubled", "filtered", "cut", "relayed", "interrupted" or "no-tcp"
	Message string // one or more sentences, with the consequence
}

// Totals are the counts of a report.
type Totals struct {
	Packets      uint64  // frames of any kind
	TCPSegments  uint64  // TCP segments, duplicate frames included
	Duplicates   uint64  // duplicate frames among TCPSegments
	Flows        uint64  // connections
	Skipped      []Count // frames that are not TCP or cannot be decoded, by reason, sorted by reason
	EvictedFlows uint64  // connections dropped to stay within Options.MaxFlows, or because too many used the same ports
	CrowdedFlows uint64  // of these, the latter
	Groups       []Group // findings by detector, outcome and verdict, in the order of the detectors
}

// A Count is a number with a name.
type Count struct {
	Name string
	N    uint64
}

// A Group counts the findings of one detector with the same outcome and verdict.
type Group struct {
	Detector, Outcome string
	Verdict           detectors.Verdict
	Severity          detectors.Severity // the highest among them
	N                 uint64             // all of them
	Listed            uint64             // those in Report.Findings; less than N if there are thousands
}

// Initiator is the side that opened a connection.
type Initiator uint8

// The initiator is unknown if the capture has no SYN of the connection.
const (
	InitiatorUnknown Initiator = iota
	InitiatorA
	InitiatorB
)

// String returns "unknown", "a" or "b".
func (i Initiator) String() string { return result.Initiator(i).String() }

// A Predecessor is the connection in TIME_WAIT whose four-tuple a new one reused.
type Predecessor struct {
	Conn   uint64 // its Flow.Conn; 0 if there is no predecessor
	First  int64  // time of its first frame
	Frames uint64 // frames until the new connection began, duplicates included
}

// A Flow is one TCP connection.
//
// History has a letter for what each side sent, in the order of the first of each
// kind, at most 12: S SYN, H SYN-ACK, A ACK, D data, F FIN, R RST, T retransmission,
// W zero window, K keep-alive, P window probe, G gap in the capture. Upper case is
// side A.
type Flow struct {
	ID          uint64                 // number in this report, from 1, in order of first frames
	Conn        uint64                 // number of its first segment in the trace, from 1; the same in every run
	Predecessor Predecessor            // the connection whose four-tuple it reused during TIME_WAIT
	End         [2]reassembly.Endpoint // side A sent the SYN, or the first segment seen
	Initiator   Initiator
	State       [2]fsm.State      // at the end of the trace
	Bounded     [2]bool           // the state is an upper bound: it depends on a segment that may not have arrived
	Since       [2]int64          // when the state was entered
	Ending      string            // "open", "closed", "half-closed", "reset", "refused", "unanswered", "replaced", "evicted"
	First, Last int64             // time of its first and last frame
	ISS         [2]reassembly.Seq // initial sequence numbers; the first one seen if the SYN was not captured
	Packets     [2]uint64         // segments sent by each side, without duplicate frames
	Bytes       [2]uint64         // payload bytes sent by each side, each byte once
	Rexmits     [2]uint64         // retransmitted segments
	Duplicates  uint64            // duplicate frames
	RTT         time.Duration     // round-trip time of the handshake, without one that of timed data; 0 if unknown
	History     string            // such as "ShADadFf"
	ClosedFirst Initiator         // the side that sent the first FIN, or without one the RST that ended it; unknown if neither was captured
	Limits      fsm.Limits        // what limits the proof for this connection
	Taps        []FlowTap         // what each tap saw of it, if there are several
	Between     []Between         // what happened to it between them, in order from A to B
}

// A Finding is a fault of one connection, with the frames that prove it. The
// embedded [detectors.Finding] has what the detector reports: outcome, verdict,
// severity, culprit, message, metrics and evidence.
type Finding struct {
	detectors.Finding
	ID   string    // 16 hex digits, the same in every run that has its first frame
	Flow *Flow     // its connection, an element of Report.Flows
	Path [2]string // the taps between which it happened; empty if it is between the ends, or at a host
	Also []uint16  // with Options.Each: other captures, as indices of Report.Captures, that are identical and have it, too
}

// newReport copies the parts of an analysis that are public.
func newReport(r *result.Report) *Report {
	public := &Report{
		Options: ReportOptions{TimeWait: time.Duration(r.Options.TimeWait), Detectors: r.Options.Detectors},
		Trace:   Span(r.Trace),
		Totals: Totals{
			Packets: r.Totals.Packets, TCPSegments: r.Totals.TCPSegments, Duplicates: r.Totals.Duplicates,
			Flows: r.Totals.Flows, EvictedFlows: r.Totals.EvictedFlows, CrowdedFlows: r.Totals.CrowdedFlows,
		},
		Flows: make([]Flow, len(r.Flows)),
	}
	public.numbers.Captures = r.Captures
	for i := range r.Captures {
		c := &r.Captures[i]
		public.Captures = append(public.Captures, Capture{
			File: c.File, Format: c.Format, Compression: c.Compression, LinkTypes: c.LinkTypes,
			Packets: c.Packets, Bytes: c.Bytes, Span: Span(c.Span), Drops: c.Drops, Warnings: c.Warnings,
		})
	}
	for _, n := range r.Notes {
		public.Notes = append(public.Notes, Note(n))
	}
	for _, g := range r.Gaps {
		public.Gaps = append(public.Gaps, Span(g))
	}
	for _, c := range r.Totals.Skipped {
		public.Totals.Skipped = append(public.Totals.Skipped, Count(c))
	}
	for _, g := range r.Totals.Groups {
		public.Totals.Groups = append(public.Totals.Groups, Group(g))
	}
	for i := range r.Taps {
		public.Taps = append(public.Taps, newTap(&r.Taps[i]))
	}
	for i := range r.Flows {
		f := &r.Flows[i]
		public.Flows[i] = Flow{
			ID: f.ID, Conn: f.Conn, Predecessor: Predecessor(f.Predecessor), End: f.End, Initiator: Initiator(f.Initiator),
			State: f.State, Bounded: f.Bounded, Since: f.Since, Ending: f.Ending, First: f.First, Last: f.Last,
			ISS: f.ISS, Packets: f.Packets, Bytes: f.Bytes, Rexmits: f.Rexmits, Duplicates: f.Duplicates,
			RTT: time.Duration(f.RTT), History: f.History, ClosedFirst: Initiator(f.ClosedFirst), Limits: f.Limits,
		}
		for k := range f.Taps {
			public.Flows[i].Taps = append(public.Flows[i].Taps, newFlowTap(&f.Taps[k]))
		}
		for k := range f.Between {
			public.Flows[i].Between = append(public.Flows[i].Between, newBetween(&f.Between[k]))
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		at, _ := slices.BinarySearchFunc(r.Flows, f.Flow.ID, func(flow result.Flow, id uint64) int {
			return int(min(max(int64(flow.ID-id), -1), 1))
		})
		public.Findings = append(public.Findings, Finding{Finding: *f.Finding, ID: f.ID, Flow: &public.Flows[at], Path: f.Path, Also: f.Also})
	}
	return public
}
