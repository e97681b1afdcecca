package pictures

import (
	"math"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Series keeps what a picture of a connection needs of its segments, however
// many they are: per direction at most maxCells columns of time, 450 KB in
// all. Columns are as narrow as the segments allow; when there are too many, two
// become one.
type Series struct {
	from, to int64 // nanoseconds since 1970
	last     int64 // time of the last segment within them
	began    bool
	fine     bool
	scale    [2]windowScale
	sent     [2]direction // by sender
}

// A direction is what one side sent, and what its peer said about it.
type direction struct {
	from   int64          // of the series
	base   reassembly.Seq // sequence number of offset 0
	based  bool
	top    int64 // the largest offset so far: the next one is looked for near it
	unit   int64 // nanoseconds in a column
	cells  []cell
	before cell // ACK line and window edge when the picture begins
	ack    int64
	acked  bool
	widest int64 // largest window advertised to it

	segments counter // with payload
	acks     counter
	marks    [numMarks]counter
	sacks    counter

	timed, due int64 // when the segment that is being timed was sent, and what acknowledges it; 0 = none
	most       int   // cells
}

// A windowScale is the option of a side's SYN.
type windowScale struct {
	seen, offered bool // the SYN; the option in it
	shift         uint8
}

// NewSeries returns a Series for a picture from one time to another, in
// nanoseconds since 1970; to math.MaxInt64, it goes to the last segment.
func NewSeries(from, to int64) *Series {
	return newSeries(from, to, maxCells)
}

// NewFineSeries returns a Series for a picture of a whole connection into which a reader
// can zoom.
func NewFineSeries(from int64) *Series {
	s := newSeries(from, math.MaxInt64, fineCells)
	s.fine = true
	return s
}

func newSeries(from, to int64, most int) *Series {
	return &Series{from: from, to: to, sent: [2]direction{{from: from, most: most}, {from: from, most: most}}}
}

// columns is how wide its figure is.
func (s *Series) columns() int {
	if s.fine {
		return fineColumns
	}
	return plotColumns
}

// Empty reports whether no segment was within the picture.
func (s *Series) Empty() bool { return !s.began }

// Add adds the connection's next segment. Those before the picture count too:
// they say where its lines begin.
func (s *Series) Add(side reassembly.Side, class fsm.Class, seg *reassembly.Segment) {
	switch {
	case class == fsm.OutOfWindow:
		return
	case seg.At > s.to:
		s.last = s.to // the connection continues, and so do its lines
		return
	}
	if seg.Flags.Has(reassembly.SYN) {
		s.scale[side] = windowScale{true, seg.Opts.Has&reassembly.HasScale != 0, seg.Opts.Scale}
	}
	at := max(seg.At, s.last) // a clock that steps back does not turn the picture back
	if at >= s.from {
		s.began, s.last = true, at
	}
	s.addSent(side, class, seg, at)
	s.addAck(side, class, seg, at)
}

// addSent adds the segment to its own direction.
func (s *Series) addSent(side reassembly.Side, class fsm.Class, seg *reassembly.Segment, at int64) {
	d, marks := &s.sent[side], marksOf(class, seg.Flags)
	start := d.offset(seg.Seq)
	if marks.has(markRST) { // its number may be anything
		d.mark(markRST, at, start)
		return
	}
	d.top = max(d.top, start+int64(seg.SeqLen()))
	if at < s.from {
		return
	}
	payload := extent{start, start + int64(seg.Len)}
	if marks.has(markSYN) {
		payload.lo, payload.hi = payload.lo+1, payload.hi+1
	}
	if seg.Len > 0 {
		d.segments.count(at)
		switch c := d.cell(at); class {
		case fsm.Retransmission, fsm.Probe, fsm.KeepAlive, fsm.Ambiguous:
			c.resent.add(payload)
		default:
			c.sent.add(payload)
		}
		d.measure(class, at, int64(seg.Len))
	} else if class == fsm.Syn {
		d.timed, d.due = 0, d.top
		if d.marks[markSYN].n == 0 {
			d.timed = at
		}
	}
	for m := range numMarks {
		switch {
		case !marks.has(m):
		case m == markSYN:
			d.mark(m, at, start)
		default:
			d.mark(m, at, payload.hi)
		}
	}
}

// addAck adds the segment to the other direction: the ACK line and the right
// edge of the window.
func (s *Series) addAck(side reassembly.Side, class fsm.Class, seg *reassembly.Segment, at int64) {
	d := &s.sent[side.Peer()]
	if !seg.Flags.Has(reassembly.ACK) || seg.Flags.Has(reassembly.RST) {
		return // a RST's window means nothing
	}
	ack := d.offset(seg.Ack)
	if d.acked && ack < d.ack {
		return // overtaken by a later ACK
	}
	d.top, d.ack, d.acked = max(d.top, ack), ack, true
	window := s.windowOf(side, seg)
	d.widest = max(d.widest, window)
	edge := ack + window
	if at < s.from {
		d.before = cell{known: true, ack: ack, edge: edge, edges: extent{edge, edge}}
		return
	}
	d.acks.count(at)
	c := d.cell(at)
	c.acknowledge(ack, edge)
	if !seg.Flags.Has(reassembly.SYN) {
		c.offered.add(extent{window, window + 1})
	}
	d.answered(c, at)
	d.sack(c, seg, at)
	if class == fsm.DupAck {
		d.mark(markDupAck, at, ack)
	}
	if window == 0 && !seg.Flags.Has(reassembly.SYN) {
		d.mark(markZeroWindow, at, edge)
	}
}

// windowOf is the segment's window in bytes; a lower bound if the scale is
// unknown. A window in a SYN is never scaled (RFC 7323 2.2).
func (s *Series) windowOf(side reassembly.Side, seg *reassembly.Segment) int64 {
	w := int64(seg.Window)
	if seg.Flags.Has(reassembly.SYN) || !s.scale[0].offered || !s.scale[1].offered {
		return w
	}
	return w << min(s.scale[side].shift, 14) // RFC 7323 2.3
}

// offset is a sequence number's distance from the direction's first one: of all
// that share the number, the one nearest to the largest so far.
func (d *direction) offset(seq reassembly.Seq) int64 {
	if !d.based {
		d.based, d.base = true, seq
	}
	return d.top + int64((d.base + reassembly.Seq(d.top)).To(seq))
}

func (d *direction) mark(m mark, at, offset int64) {
	if at >= d.from {
		d.marks[m].count(at)
		d.cell(at).mark(m, offset)
	}
}
