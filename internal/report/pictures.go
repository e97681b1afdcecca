package report

import (
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Pictures collect what an HTML page draws of the connections whose findings it
// tells in full. Only when these are known can it be collected: the capture is
// read a second time, or what was kept of it.
//
// What is kept does not grow with the connections' length: at most some 600 KB
// for a connection, and as much for each of its findings; there are at most
// maxSections of these on a page.
type Pictures struct {
	sketches map[uint64]*sketch // by connection
}

// A sketch is what is drawn of one connection.
type sketch struct {
	flow    *result.Flow
	turns   uint64
	whole   *series
	close   map[*result.Finding]*closeUp // where whole is too coarse for the finding
	moments map[frameID]*moment
}

// A frameID names a frame in all inputs.
type frameID struct {
	file  uint16
	frame uint32
}

// A moment is what a ladder tells besides the frame: how many segments of the
// connection came before, and where it left both ends.
type moment struct {
	seen bool
	nth  uint64
	turn result.Step
}

// NewPictures says which connections are to be drawn. Call it with the options
// that HTML will have, and give its result to HTML in them.
func NewPictures(r *result.Report, o Options) *Pictures {
	p := &Pictures{sketches: map[uint64]*sketch{}}
	for _, g := range sections(r, &o) {
		for _, f := range g.findings[:g.inFull()] {
			p.want(f)
		}
	}
	return p
}

func (p *Pictures) want(f *result.Finding) {
	k := p.sketches[f.Flow.ID]
	if k == nil {
		k = &sketch{
			flow:  f.Flow,
			whole: &series{from: f.Flow.First, to: math.MaxInt64},
			close: map[*result.Finding]*closeUp{}, moments: map[frameID]*moment{},
		}
		p.sketches[f.Flow.ID] = k
	}
	if c := newCloseUp(f); c != nil {
		k.close[f] = c
	}
	for i := range f.Evidence {
		k.moments[frameID{f.Evidence[i].Seg.File, f.Evidence[i].Seg.Frame}] = new(moment)
	}
}

// A closeUp is a picture of a part of the connection.
type closeUp struct {
	series
	title string
}

// newCloseUp chooses what a picture of the whole connection is too coarse for:
// the finding, or if that takes most of the time, how it began. Nil if the whole
// shows both.
func newCloseUp(f *result.Finding) *closeUp {
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
		return &closeUp{series{from: from, to: to}, "The moment of it"}
	case lead < (last-first)/narrow:
		return &closeUp{series{from: first, to: f.Start + max(lead, least)}, "How it began"}
	}
	return nil
}

// Flows are the connections to be drawn, in order of their IDs.
func (p *Pictures) Flows() []uint64 {
	ids := make([]uint64, 0, len(p.sketches))
	for id := range p.sketches {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Add takes the next segment of one of the Flows, copies left out.
func (p *Pictures) Add(flow uint64, t *result.Step) {
	k := p.sketches[flow]
	if k == nil {
		return
	}
	k.turns++
	k.whole.add(t)
	for _, c := range k.close {
		c.add(t)
	}
	if m := k.moments[frameID{t.Seg.File, t.Seg.Frame}]; m != nil {
		*m = moment{true, k.turns, *t}
	}
}

// of is what was collected of a finding's connection; nil if nothing.
func (p *Pictures) of(f *result.Finding) *sketch {
	if p == nil {
		return nil
	}
	if k := p.sketches[f.Flow.ID]; k != nil && k.turns > 0 {
		return k
	}
	return nil
}

// moment is what was collected of a frame; nil if nothing.
func (k *sketch) moment(id frameID) *moment {
	if k == nil {
		return nil
	}
	if m := k.moments[id]; m != nil && m.seen {
		return m
	}
	return nil
}
