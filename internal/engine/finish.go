package engine

import (
	"cmp"
	"slices"
	"sync"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/watch"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// found is a finding on its way into the report.
type found struct {
	watch.Finding
	conn uint64 // position of its connection
}

// assemble ends every connection and puts the findings into their order: by
// time, then connection, detector and anchor. None of it depends on the judges.
func assemble(o *Options, facts *stats.Trace, parts []*partition, captures []result.Capture) (*result.Report, stats.Counts) {
	c := collector{options: o, facts: facts, end: facts.End, kinds: watch.Counts{}}
	for _, file := range captures {
		if file.Drops > 0 {
			c.limits |= fsm.KernelDrops
		}
	}
	c.gather(parts)
	own := c.counts
	own.Known, own.Segments, own.Duplicates = true, facts.Segments, c.duplicates
	if facts.Counts.Known {
		c.counts = facts.Counts
	} else {
		c.counts = own
	}
	for i := range c.found {
		doubt(c.found[i].Finding.Finding, c.found[i].FINRank, &c.counts)
	}
	rep := &result.Report{
		Options:  result.Options{TimeWait: int64(o.Settings.TimeWait)},
		Captures: captures,
		Trace:    result.Span{First: facts.First, Last: facts.Last, End: facts.End},
		Gaps:     quiet(facts),
		Totals: result.Totals{
			Packets: facts.Packets, TCPSegments: facts.Segments, Duplicates: c.duplicates, Skipped: skippedFrames(facts),
			Flows: uint64(len(c.positions)) + c.gone, EvictedFlows: c.dropped, Groups: c.groups(parts),
		},
		Notes: notes(&c.counts),
	}
	for _, p := range parts {
		rep.Err = cmp.Or(rep.Err, p.watch.Err())
	}
	for _, d := range o.Detectors {
		rep.Options.Detectors = append(rep.Options.Detectors, d.Name)
	}
	c.number(rep)
	return rep, own
}

// collector gathers what the partitions hold at the end.
type collector struct {
	options *Options
	facts   *stats.Trace
	end     int64
	limits  fsm.Limits // of the whole capture
	harvest
	counts  stats.Counts // of all partitions, and then of the whole trace
	dropped uint64
	gone    uint64       // connections of which nothing is left but their number
	kinds   watch.Counts // findings that are not listed, and at last all
}

// A harvest is what there is to say of connections, or of a partition's.
type harvest struct {
	rows       []result.Flow // numbered by position, until all are known
	found      []found
	positions  []uint64 // of every connection that is still known
	duplicates uint64
}

// gather ends the connections of all partitions, on as many processors as there
// are judges.
func (c *collector) gather(parts []*partition) {
	harvests := make([]harvest, len(parts))
	known := 0
	for _, p := range parts {
		known += p.known()
	}
	c.positions = make([]uint64, known)
	if c.options.AllFlows {
		c.rows = make([]result.Flow, known)
	}
	known = 0
	for i, p := range parts { // each fills in its part
		from, to := known, known+p.known()
		harvests[i].positions = c.positions[from:from:to]
		if c.options.AllFlows {
			harvests[i].rows = c.rows[from:from:to]
		}
		known = to
	}
	var wait sync.WaitGroup
	n := c.options.workers()
	for k := range min(n, len(parts)) {
		wait.Go(func() {
			for i := k; i < len(parts); i += n {
				c.reap(parts[i], &harvests[i])
			}
		})
	}
	wait.Wait()
	for i, p := range parts {
		h := &harvests[i]
		c.found = append(c.found, h.found...)
		if !c.options.AllFlows {
			c.rows = append(c.rows, h.rows...)
		}
		c.duplicates += h.duplicates
		c.dropped += p.dropped
		c.gone += p.dropped + p.left - uint64(len(p.kept))
		c.counts.Add(&p.counts)
	}
}

// known is of how many connections there is something to say.
func (p *partition) known() int { return p.flows.Len() + len(p.kept) }

// reap ends the connections of a partition.
func (c *collector) reap(p *partition, h *harvest) {
	p.halfClosed(c.end)
	for id, f := range p.flows.All() {
		before := len(h.found)
		e := p.ending(id, f, c.facts, c.end)
		limits := c.limits | stepped(c.facts, f.Conn.First(), f.Conn.Last())
		h.found = p.end(id, f, e, limits, h.found)
		if c.options.AllFlows || len(h.found) > before || c.options.Follow.follows(f) {
			row := p.rowAt(f, e, c.end)
			row.Limits |= limits
			h.rows = append(h.rows, row)
		}
		h.positions = append(h.positions, f.Position)
		h.duplicates += f.Duplicates()
	}
	for _, k := range p.kept {
		h.rows = append(h.rows, k.row)
		h.positions = append(h.positions, k.row.ID)
		for i := range k.found {
			k.found[i].Limits |= c.limits
			k.found[i].Doubt()
		}
		h.found = append(h.found, k.found...)
	}
}

// number gives connections and findings their order, numbers and IDs.
func (c *collector) number(rep *result.Report) {
	slices.Sort(c.positions)
	numbers := c.numbers()
	if follow := c.options.Follow; follow != nil && numbers != nil {
		for i, n := range follow.Same {
			if n <= uint64(len(numbers)) {
				follow.Same[i] = numbers[n-1]
			}
		}
	}
	slices.SortFunc(c.rows, func(a, b result.Flow) int { return cmp.Compare(a.ID, b.ID) })
	rep.Flows = c.rows
	rowOf := make(map[uint64]*result.Flow, len(c.found))
	for i := range c.found {
		rowOf[c.found[i].conn] = nil
	}
	for i := range rep.Flows {
		row := &rep.Flows[i]
		if _, is := rowOf[row.ID]; is {
			rowOf[row.ID] = row
		}
		n, _ := slices.BinarySearch(c.positions, row.ID)
		row.ID = uint64(n) + 1
		if numbers != nil {
			row.ID = numbers[n]
		}
	}
	slices.SortStableFunc(c.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.conn, b.conn), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Start, b.Start),
			cmp.Compare(a.Evidence[0].Seg.File, b.Evidence[0].Seg.File), cmp.Compare(a.Evidence[0].Seg.Frame, b.Evidence[0].Seg.Frame))
	})
	seen := map[string]int{}
	if len(c.found) > 0 {
		rep.Findings = make([]result.Finding, 0, len(c.found))
	}
	for i := range c.found {
		f := &c.found[i]
		row := rowOf[f.conn]
		rep.Findings = append(rep.Findings, result.Finding{Finding: *f.Finding.Finding, ID: identify(f.Finding.Finding, row, seen), Flow: row, Revision: 1, Final: true, FINRank: f.FINRank})
	}
}

// numbers are those that the connections have in the trace that these are a part
// of, in order of positions; nil if it does not tell of all.
func (c *collector) numbers() []uint64 {
	told := c.facts.Numbers
	numbers := make([]uint64, 0, len(c.positions))
	for _, ord := range c.positions {
		for len(told) > 0 && told[0].Position < ord {
			told = told[1:]
		}
		if len(told) == 0 || told[0].Position != ord {
			return nil
		}
		numbers = append(numbers, told[0].Number)
	}
	return numbers
}

// row is what is reported of a connection as it ends.
func (p *partition) row(f *flow.Flow, e detectors.Ending) result.Flow {
	return p.rowAt(f, e, max(e.At, p.options.Until))
}

// rowAt is row with the states of trace time at: a time later than the ending
// lets TIME_WAIT run out, though nothing was recorded meanwhile.
func (p *partition) rowAt(f *flow.Flow, e detectors.Ending, at int64) result.Flow {
	c := &f.Conn
	row := result.Flow{
		ID: f.Position, Conn: f.Position, Predecessor: p.predecessors[f.Position], Key: c.Key(), First: c.First(), Last: c.Last(), Duplicates: f.Duplicates(), RTT: int64(c.RTT()),
		History: c.History(), Limits: c.Limits(), Ending: endingName(c, e.Why),
	}
	if _, known := c.Opener(); known {
		row.Initiator = result.InitiatorA
	}
	timeWait := p.options.Settings.TimeWait
	for side := range reassembly.Side(2) {
		row.End[side] = c.Endpoint(side)
		row.State[side], row.Since[side] = c.State(side, at, timeWait)
		if e.Why == detectors.Replaced && row.State[side] != fsm.Closed { // a four-tuple has one socket
			row.State[side], row.Since[side] = fsm.Closed, e.At
		}
		row.Bounded[side] = c.Bounded(side)
		row.ISS[side] = c.Stream(side).ISS
		row.Packets[side] = c.Packets(side)
		row.Bytes[side] = c.Bytes(side)
		row.Rexmits[side] = c.Retransmissions(side)
	}
	if p.options.Follow.follows(f) {
		row.TCB = &[2]fsm.TCB{c.TCB(reassembly.A, at, timeWait), c.TCB(reassembly.B, at, timeWait)}
	}
	return row
}

// endingName says how a connection ended, in one word.
func endingName(c *fsm.Conn, why detectors.Why) string {
	a, b := c.Half(reassembly.A).Phase, c.Half(reassembly.B).Phase
	_, reset := c.ResetBy()
	switch {
	case reset && a == fsm.PhaseOpening && b == fsm.PhaseIdle:
		return "refused"
	case reset:
		return "reset"
	case a == fsm.PhaseFinAcked && b == fsm.PhaseFinAcked:
		return "closed"
	case why == detectors.Replaced:
		return "replaced"
	case why == detectors.Dropped:
		return "evicted"
	case a == fsm.PhaseOpening && b == fsm.PhaseIdle:
		return "unanswered"
	case a >= fsm.PhaseFinSent || b >= fsm.PhaseFinSent:
		return "half-closed"
	}
	return "open"
}
