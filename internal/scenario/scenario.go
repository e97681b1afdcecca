package scenario

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A File is one text: an introduction for the reader, and traces.
type File struct {
	Name   string
	Intro  string // the text before the first "-- trace --"
	Traces []*Trace
}

// A Trace is one capture.
type Trace struct {
	Name  string // of its file, for messages
	Start int64  // time 0, in nanoseconds since 1970
	End   int64  // nanoseconds since 1970; 0 if the trace states none
	Hosts []Host // client, server, and those that host lines define
	Lines []Line
}

// A Line is one line with a time: a segment, another frame, or the end. Captured,
// Other and End say which. A segment that is not Captured was sent, but is not in
// the capture.
type Line struct {
	Seg      reassembly.Segment // only At and Frame if the line is Other or End
	Captured bool               // a frame of the capture, TCP or Other: Seg.Frame is its number
	Other    bool               // a frame that is not TCP
	End      bool               // the capture went on until Seg.At

	From, To         int            // of a segment, into Hosts
	SeqBase, AckBase reassembly.Seq // ISNs: Seq and Ack are written relative to these

	HasStates bool
	States    [2]string // after this line, in the order of StateEnds
	Bounded   [2]bool   // asserted only if true: written STATE~
	StateEnds [2]reassembly.Endpoint

	Wants   []Want
	Comment string
	SrcLine int // 1-based in the file; 0 if the trace was not read from one
	Text    string
}

// defaultStart is the start of a trace without a start line, 2001-01-01T00:00:00Z.
var defaultStart = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// Segments returns the TCP segments of the capture, in order.
func (t *Trace) Segments() []reassembly.Segment {
	var segs []reassembly.Segment
	for i := range t.Lines {
		if l := &t.Lines[i]; l.Captured && !l.Other {
			segs = append(segs, l.Seg)
		}
	}
	return segs
}

// isSegment reports whether the line is a captured or dropped segment.
func (l *Line) isSegment() bool { return !l.Other && !l.End }

func (l *Line) isDropped() bool { return l.isSegment() && !l.Captured }
