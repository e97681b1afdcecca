package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// partition is a fixed share of the connections, with bounds of its own.
type partition struct {
	options *Options
	table   table
	opens   fsm.Kinds // what starts a watch, over all detectors
	watches places
	copies  copies
	bounds  bounds
	lapses  lapses
	next    map[uint32]int64 // connections whose four-tuple was used again, and when
	counts  stats.Counts
	dropped uint64    // connections evicted
	left    uint64    // connections that left after their time, live
	kept    []evicted // of both, those with findings
	held    []int     // findings for the report, by detector
	now     int64     // latest segment

	err      error                         // of a detector
	unlisted toll                          // findings that are only counted
	reuse    fsm.Reuse                     // what the segment at hand, a SYN, takes the ports of
	reusedOf result.Predecessor            // that connection
	former   map[uint64]result.Predecessor // of connections that took ports early: by ordinal, whose
	aside    fsm.Events                    // what a segment brought for another connection than its own
}

func newPartition(o *Options) *partition {
	p := &partition{options: o, bounds: newBounds(o.MaxFlows), held: make([]int, len(o.Detectors)), unlisted: toll{}}
	p.table.seed = newSeed()
	for _, d := range o.Detectors {
		p.opens |= d.StartsOn
	}
	return p
}

// take applies one segment to its connection, and returns that.
func (p *partition) take(seg *reassembly.Segment, ord uint64, hash, guess uint32, print uint64, ev *fsm.Events) *flow {
	p.now = max(p.now, seg.At)
	if p.lapses.due != 0 && p.lapses.due <= p.now { // first: the segment may be another connection's, or a copy
		p.lapse(p.now)
	}
	i, f, fromLo := p.locate(seg, hash, guess, print, ord)
	side := f.conn.SideOf(fromLo)
	if p.copies.isCopy(f, seg, print) {
		f.conn.Copied()
		return f
	}
	f.fresh = true
	if f.watch != 0 {
		p.wake(f, seg.At)
	}
	f.conn.Step(seg, side, ev)
	if p.reuse.Is {
		ev.Reused(&p.reuse, side)
		p.reuse.Is = false
		if p.former == nil {
			p.former = map[uint64]result.Predecessor{}
		}
		p.former[f.ordinal] = p.reusedOf
	}
	if ev.Kinds&p.opens != 0 || f.watch != 0 {
		p.tell(i, f, ev)
	}
	if ev.Kinds.Has(fsm.FinAcked) && p.opens.Has(fsm.HalfClosed) {
		p.lapses.add(i, f, &p.table)
	}
	if ev.Class == fsm.ChallengeAck || ev.Kinds.Has(fsm.ResetSent) {
		p.overheard(f, seg, fromLo, hash, ev.Class)
	}
	if f.shared && ev.Kinds.Has(fsm.Opened) {
		p.outlived(f, seg, fromLo, hash)
	}
	if !f.closed && f.conn.Over() {
		f.closed = true
		p.bounds.close(i, &p.table)
	}
	if follow := p.options.Follow; follow != nil {
		follow.note(f, seg, side, ev, p.options.Settings.TimeWait)
	}
	return f
}

// begin adds a connection.
func (p *partition) begin(seg *reassembly.Segment, hash uint32, ord uint64) (uint32, *flow) {
	if p.table.count >= p.bounds.flows {
		p.evict()
	}
	i, f := p.table.add(hash)
	f.ordinal = ord
	f.conn.Begin(seg)
	if follow := p.options.Follow; follow != nil {
		follow.begin(f)
	}
	return i, f
}

// ending is how the record of a connection stops at the end of the trace.
func (p *partition) ending(i uint32, f *flow, facts *stats.Trace, end int64) detectors.Ending {
	e := detectors.Ending{At: facts.KnownUntil(f.conn.Last(), end)}
	if at, is := p.next[i]; is && at <= e.At { // frames are not always in order
		e = detectors.Ending{At: max(at, f.conn.Last()), Why: detectors.Replaced}
	}
	return e
}
