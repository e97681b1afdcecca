package report

import (
	"maps"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Pictures collect what an HTML page shows of the connections whose findings it
// has in full. These are known only when all has been read: the capture is read
// a second time for them.
//
// What is kept does not grow with the connections' length: at most some 600 KB
// for a connection, and as much for each of its findings; a page has at most
// maxSections of these.
type Pictures struct {
	drawings map[uint64]*drawing // by Flow.ID
}

// A drawing is what is drawn of one connection.
type drawing struct {
	flow   *result.Flow
	n      uint64 // segments so far
	strip  waits.Strip
	whole  *pictures.Series
	fine   *pictures.Series            // of the one connection that the page is about; else nil
	closer map[*result.Finding]closeUp // of findings for which the whole is too coarse
	steps  map[result.FrameID]*drawnStep
}

// A drawnStep is the step of an evidence frame: the nth of the connection, 0 if
// it has not come.
type drawnStep struct {
	nth uint64
	result.Step
}

// NewPictures says which connections are to be drawn. Call it with the options
// that HTML will have, and give its result to HTML in them.
func NewPictures(r *result.Report, o Options) *Pictures {
	p := &Pictures{drawings: map[uint64]*drawing{}}
	for _, g := range sections(r, &o) {
		for _, f := range g.full() {
			p.want(f)
		}
	}
	if o.Connection {
		p.drawing(&r.Flows[0]).fine = pictures.NewFineSeries(r.Flows[0].First)
	}
	return p
}

// drawing is that of a connection, new if there was none.
func (p *Pictures) drawing(f *result.Flow) *drawing {
	d := p.drawings[f.ID]
	if d == nil {
		d = &drawing{
			flow: f, whole: pictures.NewSeries(f.First, math.MaxInt64),
			closer: map[*result.Finding]closeUp{}, steps: map[result.FrameID]*drawnStep{},
		}
		p.drawings[f.ID] = d
	}
	return d
}

func (p *Pictures) want(f *result.Finding) {
	d := p.drawing(f.Flow)
	if c := newCloseUp(f); c.Series != nil {
		d.closer[f] = c
	}
	for i := range f.Evidence {
		d.steps[result.FrameOf(&f.Evidence[i].Seg)] = new(drawnStep)
	}
}

// A closeUp is a picture of a part of the connection.
type closeUp struct {
	*pictures.Series
	title string
}

// newCloseUp chooses what a picture of the whole connection is too coarse for:
// the finding, or if that takes most of the time, its beginning. It has no
// series if the whole shows both.
func newCloseUp(f *result.Finding) closeUp {
	const (
		least  = 200e6 // nanoseconds: a delayed ACK and a first retransmission fit (RFC 6298)
		around = 4     // a quarter of the finding's length before and after it
		worthy = 5     // times that the whole is longer
		narrow = 16    // times that it is longer than all that came before
	)
	first, end := f.Flow.First, max(f.End, f.Start)
	last := max(f.Flow.Last, end)
	lead := f.Start - first
	pad := min(max((end-f.Start)/around, least, 4*f.Flow.RTT), last-first)
	switch from, to := max(f.Start-pad, first), min(end+pad, last); {
	case to-from < (last-first)/worthy:
		return closeUp{pictures.NewSeries(from, to), "Around the finding"}
	case lead < (last-first)/narrow:
		return closeUp{pictures.NewSeries(first, f.Start+max(lead, least)), "How it began"}
	}
	return closeUp{}
}

// Flows are the connections to be drawn, in order of their IDs.
func (p *Pictures) Flows() []uint64 { return slices.Sorted(maps.Keys(p.drawings)) }

// Add adds the next segment of one of the Flows, duplicate frames left out.
func (p *Pictures) Add(flow uint64, s *result.Step) {
	d := p.drawings[flow]
	if d == nil {
		return
	}
	d.n++
	if !s.Seg.IsQuote() { // pictures are of sequence numbers that were sent
		d.whole.Add(s.Side, s.Class, &s.Seg)
		if d.fine != nil {
			d.fine.Add(s.Side, s.Class, &s.Seg)
		}
		for _, c := range d.closer {
			c.Add(s.Side, s.Class, &s.Seg)
		}
	}
	if e := d.steps[result.FrameOf(&s.Seg)]; e != nil {
		*e = drawnStep{d.n, *s}
	}
}

// Wait adds what one of the Flows waited for next.
func (p *Pictures) Wait(flow uint64, x *waits.Stretch) {
	if d := p.drawings[flow]; d != nil {
		d.strip.Add(x)
	}
}

// waits are the strip of the connection for its pictures.
func (d *drawing) waits() (list []pictures.Wait) {
	for i := range d.strip.Stretches {
		x := &d.strip.Stretches[i]
		name := x.Wait.String()
		list = append(list, pictures.Wait{Name: name, Start: x.Start, End: x.End, Words: name + ", " + quantity.Duration(x.End-x.Start), Meaning: meaning(x.Wait)})
	}
	return list
}

// of is what was collected of a finding's connection; nil if nothing.
func (p *Pictures) of(f *result.Finding) *drawing {
	if p == nil || p.drawings[f.Flow.ID] == nil || p.drawings[f.Flow.ID].n == 0 {
		return nil
	}
	return p.drawings[f.Flow.ID]
}

// drawn is what was collected of a connection; nil if nothing.
func (p *Pictures) drawn(f *result.Flow) *drawing {
	if p == nil {
		return nil
	}
	return p.drawings[f.ID]
}

// step is what was collected of a frame; nil if nothing.
func (d *drawing) step(id result.FrameID) *drawnStep {
	if d == nil || d.steps[id] == nil || d.steps[id].nth == 0 {
		return nil
	}
	return d.steps[id]
}

// figures are the pictures of a finding: the whole connection, and a close one if that
// is too long to show it.
func (d *drawing) figures(f *result.Finding, id string) (figures []*pictures.Figure) {
	if d == nil || d.whole.Empty() {
		return nil
	}
	subject := d.subject()
	subject.Start, subject.End, subject.Top = f.Start, f.End, d.top(f)
	figures = append(figures, d.whole.Figure(subject, "The whole connection", id+"w"))
	if c := d.closer[f]; c.Series != nil && !c.Empty() {
		figures = append(figures, c.Figure(subject, c.title, id+"c"))
	}
	return figures
}

// subject is the connection, without a finding.
func (d *drawing) subject() pictures.Subject {
	s := pictures.Subject{Zero: d.flow.First, ISS: d.flow.ISS, Names: ends(d.flow), Waits: d.waits()}
	for side := range s.Parties {
		s.Parties[side] = party(d.flow, reassembly.Side(side))
	}
	if d.flow.Bytes[reassembly.B] > d.flow.Bytes[reassembly.A] {
		s.Top = reassembly.B
	}
	return s
}

// top is the side whose direction shows more of the finding: what took sequence
// space or would have, and what the peer said about it.
func (d *drawing) top(f *result.Finding) reassembly.Side {
	var weight [2]int
	for i := range f.Evidence {
		seg := &f.Evidence[i].Seg
		side := sender(f.Flow, seg)
		switch {
		case seg.SeqLen() > 0, seg.Flags.Has(reassembly.RST), d.isProbe(seg):
			weight[side] += 2
		case seg.Window == 0:
			weight[side.Peer()] += 2
		default:
			weight[side.Peer()]++
		}
	}
	if weight[reassembly.B] > weight[reassembly.A] {
		return reassembly.B
	}
	return reassembly.A
}

func (d *drawing) isProbe(seg *reassembly.Segment) bool {
	s := d.step(result.FrameOf(seg))
	return s != nil && (s.Class == fsm.Probe || s.Class == fsm.KeepAlive || s.Class == fsm.Ambiguous)
}

// overview is the picture of the connections that the report lists; nil if it
// lists none.
func overview(r *result.Report) *pictures.Overview {
	t := &pictures.Trace{First: r.Trace.First, End: r.Trace.End, Which: "Every connection", Verdicts: verdictSentence(r, true)}
	if n := uint64(len(r.Flows)); n < r.Totals.Flows {
		t.Which = "The connections with findings, " + quantity.Thousands(n) + " of " + quantity.Thousands(r.Totals.Flows)
	}
	index := map[uint64]int{}
	for i := range r.Flows {
		f := &r.Flows[i]
		index[f.ID] = i
		t.Connections = append(t.Connections, pictures.Connection{First: f.First, Last: f.Last})
		if len(r.Flows) <= pictures.MaxBars {
			t.Connections[i].Name = connection(f)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		class := f.Severity.String()
		if f.Verdict == detectors.Undecided {
			class = f.Verdict.String()
		}
		t.Findings = append(t.Findings, pictures.Finding{Connection: index[f.Flow.ID], Start: f.Start, Class: class})
	}
	return pictures.NewOverview(t)
}
