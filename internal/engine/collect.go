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
)

// A found is a finding on its way into the report.
type found struct {
	watch.Found
	conn  uint64 // position of its connection
	other uint64 // that of another with the same SYN, on which it rests, or that casts doubt on it
}

// assemble ends every connection and puts the findings into their order: by
// time, then connection, detector and anchor. None of it depends on the workers.
func assemble(o *Options, trace *stats.Trace, parts []*partition, captures []result.Capture) (*result.Report, stats.Counts) {
	c := collector{options: o, trace: trace, end: trace.End, at: trace.End, kinds: watch.Counts{}}
	return c.assemble(parts, captures)
}

func (c *collector) assemble(parts []*partition, captures []result.Capture) (*result.Report, stats.Counts) {
	o, trace := c.options, c.trace
	for _, file := range captures {
		if file.Drops > 0 {
			c.limits |= fsm.KernelDrops
		}
	}
	interrupted(c.trace, parts)
	c.gather(parts)
	if !o.apart {
		c.elsewhere(parts)
		c.translations(parts)
	}
	own := c.counts
	own.Known, own.Segments, own.Duplicates = true, trace.Segments, c.duplicates
	if trace.Counts.Known {
		c.counts = trace.Counts
	} else {
		c.counts = own
	}
	c.since(o.From)
	c.hosts(parts)
	for i := range c.found {
		if !o.apart {
			doubt(c.found[i].Finding, c.found[i].FINRank, &c.counts)
			doubtClock(c.found[i].Finding, trace)
			vanished(c.found[i].Finding, &c.counts.Hosts)
		}
	}
	c.withinBudget(maxListed)
	rep := &result.Report{
		Options:  result.Options{TimeWait: int64(o.Settings.TimeWait)},
		Captures: captures,
		Trace:    result.Span{First: trace.First, Last: trace.Last, End: trace.End},
		Gaps:     gaps(trace),
		Totals: result.Totals{
			Packets: trace.Packets, TCPSegments: trace.Segments, Duplicates: c.duplicates, Rexmits: c.rexmits, Skipped: skippedFrames(trace),
			Flows: uint64(len(c.positions)) + c.gone, EvictedFlows: c.dropped, CrowdedFlows: c.crowded, Groups: c.groups(parts),
		},
		Notes: append(notes(&c.counts), interruptions(trace)...),
	}
	if !trace.Counts.Known || trace.Counts.Segments == 0 { // an empty shard is part of a trace that was looked at
		rep.Notes = append(unseen(rep, o.Match != nil || o.Until != 0 || o.From != 0), rep.Notes...)
	}
	for _, p := range parts {
		rep.Err = cmp.Or(rep.Err, p.watch.Err())
	}
	for _, d := range o.Detectors {
		rep.Options.Detectors = append(rep.Options.Detectors, d.Name)
	}
	c.number(rep)
	if !o.apart {
		for i := range rep.Findings {
			relayed(&rep.Findings[i].Finding, rep.Findings[i].Flow, &c.counts)
		}
	}
	return rep, own
}

// collector gathers what the partitions hold at the end.
type collector struct {
	options *Options
	trace   *stats.Trace
	end     int64
	at      int64      // of which states are reported
	limits  fsm.Limits // of the whole capture
	collected
	rows    []result.Flow
	counts  stats.Counts // of all partitions, and then of the whole trace
	dropped uint64
	crowded uint64       // of these, by others of their four-tuple
	gone    uint64       // connections of which nothing is left but their number
	kinds   watch.Counts // findings that are not listed, and at last all
}

// What is collected is what there is to report of connections, or of a partition's.
type collected struct {
	chunks     [][]result.Flow // rows, numbered by position, until all are known
	found      []found
	positions  []uint64 // of every connection that is still known
	duplicates uint64
	rexmits    uint64
}

// rowChunk is how many rows are allocated together: they are large, and moved only once.
const rowChunk = 16

func (c *collected) addRow(row result.Flow) {
	last := len(c.chunks) - 1
	if last < 0 || len(c.chunks[last]) == cap(c.chunks[last]) {
		c.chunks = append(c.chunks, make([]result.Flow, 0, rowChunk))
		last++
	}
	c.chunks[last] = append(c.chunks[last], row)
}

// gather ends the connections of all partitions, on as many processors as there
// are workers.
func (c *collector) gather(parts []*partition) {
	shares := make([]collected, len(parts))
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
		shares[i].positions = c.positions[from:from:to]
		if c.options.AllFlows {
			shares[i].chunks = [][]result.Flow{c.rows[from:from:to]}
		}
		known = to
	}
	var wait sync.WaitGroup
	n := c.options.workers()
	for k := range min(n, len(parts)) {
		wait.Go(func() {
			for i := k; i < len(parts); i += n {
				c.collect(parts[i], &shares[i])
			}
		})
	}
	wait.Wait()
	rows, found := 0, 0
	for i := range shares {
		for _, chunk := range shares[i].chunks {
			rows += len(chunk)
		}
		found += len(shares[i].found)
	}
	c.found = slices.Grow(c.found, found) // both are large
	if !c.options.AllFlows {
		c.rows = slices.Grow(c.rows, rows)
	}
	for i, p := range parts {
		h := &shares[i]
		c.found = append(c.found, h.found...)
		if !c.options.AllFlows {
			for _, chunk := range h.chunks {
				c.rows = append(c.rows, chunk...)
			}
		}
		c.duplicates += h.duplicates
		c.rexmits += h.rexmits
		c.dropped += p.dropped
		c.crowded += p.crowded
		c.gone += p.dropped + p.left - uint64(len(p.kept))
		c.counts.Add(&p.counts)
	}
	c.dropShort()
}

// dropShort leaves out what a partition had listed before it found worse.
func (c *collector) dropShort() {
	all := len(c.found)
	c.found = slices.DeleteFunc(c.found, func(f found) bool { return f.IsShort() })
	if len(c.found) < all {
		c.dropRows()
	}
}

// since leaves out findings whose evidence is all earlier than at.
func (c *collector) since(at int64) {
	if at == 0 {
		return
	}
	c.found = slices.DeleteFunc(c.found, func(f found) bool {
		return !slices.ContainsFunc(f.Evidence, func(e detectors.Evidence) bool { return e.Seg.At >= at })
	})
	c.dropRows()
}

// known is of how many connections there is something to say.
func (p *partition) known() int { return p.flows.Len() + len(p.kept) }

// collect ends the connections of a partition.
func (c *collector) collect(p *partition, into *collected) {
	p.halfClosed(c.end)
	p.traceEnd = c.end
	for position := range p.flows.CompactPositions {
		into.positions = append(into.positions, position)
	}
	if c.options.AllFlows {
		p.flows.Compacts(func(f *flow.Flow) {
			row := p.rowAt(f, p.ending(flow.New, f, c.trace, c.end), c.at)
			row.Limits |= c.limits | stepped(c.trace, f.Conn.First(), f.Conn.Last())
			into.addRow(row)
		})
	}
	into.rexmits = p.rexmits
	for id, f := range p.flows.Uncompacted {
		before := len(into.found)
		e := p.ending(id, f, c.trace, c.end)
		limits := c.limits | stepped(c.trace, f.Conn.First(), f.Conn.Last())
		into.found = p.end(id, f, e, limits, into.found)
		if c.options.AllFlows || len(into.found) > before || c.options.Follow.follows(f) {
			row := p.rowAt(f, e, c.at)
			row.Limits |= limits
			into.addRow(row)
		}
		into.positions = append(into.positions, f.Position)
		into.duplicates += f.Duplicates()
		into.rexmits += rexmits(f)
	}
	for _, k := range p.kept {
		into.addRow(k.row)
		into.positions = append(into.positions, k.row.ID)
		for i := range k.found {
			k.found[i].Limits |= c.limits
			k.found[i].Doubt()
		}
		into.found = append(into.found, k.found...)
	}
}
