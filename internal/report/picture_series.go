package report

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxCells bounds what is kept of one direction. It is more than a picture has
// columns, even after they were just folded in half.
const maxCells = 2 * plotColumns

// A series keeps what a picture of a connection needs of its segments, however
// many they are: per direction at most maxCells columns of time, 300 KB in
// all. The columns are as fine as the segments allow; when there are too many,
// each two become one.
type series struct {
	from, to    int64 // what the picture shows; nanoseconds since 1970
	first, last int64 // times of segments within it
	began       bool
	scale       [2]windowScale
	sent        [2]oneWay // by sender
}

// A oneWay is what one side sent, and what its peer said to it.
type oneWay struct {
	base   reassembly.Seq // offset 0
	based  bool
	top    int64 // the furthest offset yet, near which the next is looked for
	unit   int64 // nanoseconds in a column
	cells  []cell
	before cell // where ACK line and window edge stood when the picture begins
	ack    int64
	acked  bool
	widest int64 // window advertised to it

	segments tally // with payload
	acks     tally
	marks    [numMarks]tally
}

// A tally counts segments of a kind.
type tally struct {
	n           uint64
	first, last int64
}

func (t *tally) count(at int64) {
	if t.n == 0 {
		t.first = at
	}
	t.n++
	t.last = at
}

// A windowScale is what a side's SYN said of it.
type windowScale struct {
	seen, offered bool
	shift         uint8
}

// add takes the connection's next segment.
func (s *series) add(t *result.Step) {
	switch {
	case t.Class == fsm.Stray:
		return
	case t.Seg.At > s.to:
		s.last = s.to // the connection goes on, and so do its lines
		return
	}
	if t.Seg.Flags.Has(reassembly.SYN) {
		s.scale[t.Side] = windowScale{true, t.Seg.Opts.Has&reassembly.HasScale != 0, t.Seg.Opts.Scale}
	}
	at := max(t.Seg.At, s.last) // a clock that steps back does not turn the picture back
	if at >= s.from {
		if !s.began {
			s.began, s.first = true, at
		}
		s.last = at
	}
	s.addSent(t, at)
	s.addAck(t, at)
}

// addSent is the segment in the picture of its own direction.
func (s *series) addSent(t *result.Step, at int64) {
	seg, d := &t.Seg, &s.sent[t.Side]
	marks := marksOf(t)
	start := d.offset(seg.Seq)
	if marks.has(markRST) { // its number may be anything
		d.mark(s, markRST, at, start)
		return
	}
	end := start + int64(seg.SeqLen())
	d.top = max(d.top, end)
	if at < s.from {
		return
	}
	payload := extent{start, start + int64(seg.Len)}
	if marks.has(markSYN) {
		payload.lo, payload.hi = payload.lo+1, payload.hi+1
	}
	if seg.Len > 0 {
		d.segments.count(at)
		switch c := d.cell(s.from, at); t.Class {
		case fsm.Retransmission, fsm.Probe, fsm.KeepAlive, fsm.Ambiguous:
			c.again.add(payload)
		default:
			c.sent.add(payload)
		}
	}
	for m := range numMarks {
		switch {
		case !marks.has(m):
		case m == markSYN:
			d.mark(s, m, at, start)
		default:
			d.mark(s, m, at, payload.hi)
		}
	}
}

// addAck is the segment in the picture of the other direction: the ACK line and
// the right edge of the window.
func (s *series) addAck(t *result.Step, at int64) {
	seg, d := &t.Seg, &s.sent[t.Side.Peer()]
	if !seg.Flags.Has(reassembly.ACK) || seg.Flags.Has(reassembly.RST) {
		return // a RST's window says nothing
	}
	ack := d.offset(seg.Ack)
	if d.acked && ack < d.ack {
		return // overtaken
	}
	d.top, d.ack, d.acked = max(d.top, ack), ack, true
	edge := ack + s.window(t)
	d.widest = max(d.widest, edge-ack)
	if at < s.from {
		d.before.tell(ack, edge)
		return
	}
	d.acks.count(at)
	d.cell(s.from, at).tell(ack, edge)
	if edge == ack && !seg.Flags.Has(reassembly.SYN) {
		d.mark(s, markShut, at, edge)
	}
}

// window is the segment's window in bytes; a lower bound if the scale is
// unknown. A window in a SYN is never scaled (RFC 7323 2.2).
func (s *series) window(t *result.Step) int64 {
	w := int64(t.Seg.Window)
	own, peer := s.scale[t.Side], s.scale[t.Side.Peer()]
	if t.Seg.Flags.Has(reassembly.SYN) || !own.offered || !peer.offered {
		return w
	}
	return w << min(own.shift, 14) // RFC 7323 2.3
}

// scaleKnown reports whether the windows are what they seem.
func (s *series) scaleKnown() bool { return s.scale[0].seen && s.scale[1].seen }

// offset is a point as a distance from the direction's first one: the one of
// all that share the number which is nearest to the furthest yet.
func (d *oneWay) offset(seq reassembly.Seq) int64 {
	if !d.based {
		d.based, d.base = true, seq
	}
	return d.top + int64((d.base + reassembly.Seq(d.top)).To(seq))
}

// relative is how far the offsets must be moved to count from iss.
func (d *oneWay) relative(iss reassembly.Seq) int64 { return int64(iss.To(d.base)) }

func (d *oneWay) mark(s *series, m mark, at, place int64) {
	if at >= s.from {
		d.marks[m].count(at)
		d.cell(s.from, at).note(m, place)
	}
}

// cell is the column of a time that is not before the last one's.
func (d *oneWay) cell(from, at int64) *cell {
	d.unit = max(d.unit, 1)
	if n := len(d.cells); n > 0 && d.column(from, at) == d.column(from, d.cells[n-1].at) {
		return &d.cells[n-1]
	}
	if len(d.cells) == maxCells {
		d.fold(from)
		return d.cell(from, at)
	}
	d.cells = append(d.cells, cell{at: at})
	return &d.cells[len(d.cells)-1]
}

func (d *oneWay) column(from, at int64) int64 { return (at - from) / d.unit }

// fold makes the columns wider until half of them will do.
func (d *oneWay) fold(from int64) {
	for len(d.cells) > maxCells/2 {
		d.unit *= 2
		kept := d.cells[:1]
		for i := 1; i < len(d.cells); i++ {
			last := &kept[len(kept)-1]
			if d.column(from, last.at) == d.column(from, d.cells[i].at) {
				last.merge(&d.cells[i])
			} else {
				kept = append(kept, d.cells[i])
			}
		}
		d.cells = kept
	}
}
