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
	c.scans(parts)
	for i := range c.found {
		if !o.apart {
			doubt(c.found[i].Finding, c.found[i].FINRank, &c.counts)
			doubtClock(c.found[i].Finding, trace)
			spoiled(c.found[i].Finding, trace, &c.counts)
			unrecorded(c.found[i].Finding, trace)
			silent(c.found[i].Finding, &c.counts.Hosts)
			up(c.found[i].Finding, &c.counts.Hosts)
			lossless(c.found[i].Finding, &c.counts.Holes)
			ofFTP(c.found[i].Finding, &c.counts.FTP)
			scanned(c.found[i].Finding, &c.counts.Scans)
		}
	}
	if !o.apart {
		all := func(yield func(*detectors.Finding) bool) {
			for i := range c.found {
				if !yield(c.found[i].Finding) {
					return
				}
			}
		}
		outages(all)
		stalls(all, c.counts.Delays)
		heldUp(all, c.counts.Delays)
		tries(all, &c.counts.Scans)
		oneISN(all)
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
		Notes: slices.Concat(notes(&c.counts), batches(trace, &c.counts), interruptions(trace)),
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
	for i := range rep.Findings {
		rep.WholeNumbers(&rep.Findings[i])
	}
	if !o.apart {
		for i := range rep.Findings {
			relayed(rep.Findings[i].Finding, rep.Findings[i].Flow, &c.counts)
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
	counts  stats.Counts // of all partitions, and then of the whole trace
	dropped uint64
	crowded uint64       // of these, by others of their four-tuple
	gone    uint64       // connections of which nothing is left but their number
	kinds   watch.Counts // findings that are not listed, and at last all
}

// What is collected is what there is to report of connections, or of a partition's.
type collected struct {
	rows       []result.Flow // numbered by position, until all are known
	shown      []shown       // connections that will have a row
	found      []found
	positions  []uint64 // of every connection that is still known
	duplicates uint64
	rexmits    uint64
}

// A shown connection is one that has ended.
type shown struct {
	flow   *flow.Flow
	ending detectors.Ending
	limits fsm.Limits
}

// gather ends the connections of all partitions.
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
			shares[i].rows = c.rows[from:from:to]
		}
		known = to
	}
	c.options.each(parts, func(i int) { c.discardJournals(parts[i]) })
	ending := c.options.Ending
	if ending == nil {
		ending = func() {}
	}
	begun := 0
	for _, until := range [...]int{0, len(parts) * 3 / 16, len(parts) / 2, len(parts)} {
		from := begun
		c.options.each(parts[from:until], func(i int) { c.collect(parts[from+i], &shares[from+i]) })
		begun = until
		ending() // nobody allocates while garbage is collected
	}
	rows, found := 0, 0
	for i, p := range parts {
		rows += len(shares[i].shown) + len(p.kept)
		found += len(shares[i].found)
	}
	if !c.options.AllFlows { // they are large: none is made twice, or moved
		c.rows = make([]result.Flow, rows)
		from := 0
		for i, p := range parts {
			to := from + len(shares[i].shown) + len(p.kept)
			shares[i].rows, from = c.rows[from:from:to], to
		}
	}
	c.options.each(parts, func(i int) { c.show(parts[i], &shares[i]) })
	c.found = slices.Grow(c.found, found)
	for i, p := range parts {
		h := &shares[i]
		c.found = append(c.found, h.found...)
		c.duplicates += h.duplicates
		c.rexmits += h.rexmits
		c.dropped += p.dropped
		c.crowded += p.crowded
		c.gone += p.dropped + p.left - uint64(len(p.kept))
		c.counts.Add(&p.counts)
	}
	c.dropShort()
}

// each goes through the partitions, on as many processors as there are workers.
func (o *Options) each(parts []*partition, do func(i int)) {
	var wait sync.WaitGroup
	n := o.workers()
	for k := range min(n, len(parts)) {
		wait.Go(func() {
			for i := k; i < len(parts); i += n {
				do(i)
			}
		})
	}
	wait.Wait()
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
	for position := range p.flows.CompactPositions {
		into.positions = append(into.positions, position)
	}
	if c.options.AllFlows {
		for f := range p.flows.Compacts {
			limits := c.limits | stepped(c.trace, f.Conn.First(), f.Conn.Last())
			e := p.ending(flow.New, f, c.trace, c.end)
			p.endAccount(f, e)
			into.rows = append(into.rows, c.row(p, shown{f, e, limits}))
		}
	}
	into.rexmits = p.rexmits
	for id, f := range p.flows.Uncompacted {
		before := len(into.found)
		x := shown{f, p.ending(id, f, c.trace, c.end), c.limits | stepped(c.trace, f.Conn.First(), f.Conn.Last())}
		into.found = p.end(id, f, x.ending, x.limits, into.found)
		switch {
		case c.options.AllFlows: // before the next ends: its account is at hand
			into.rows = append(into.rows, c.row(p, x))
		case len(into.found) > before || c.options.Follow.follows(f):
			into.shown = append(into.shown, x)
		}
		into.positions = append(into.positions, f.Position)
		into.duplicates += f.Duplicates()
		into.rexmits += rexmits(f)
	}
	for _, k := range p.kept {
		into.positions = append(into.positions, k.row.ID)
		for i := range k.found {
			k.found[i].Limits |= c.limits
			k.found[i].Doubt()
		}
		into.found = append(into.found, k.found...)
	}
	p.watch.Release() // a flood's take more than its findings do
	p.waits.Reset()
}

// show makes the rows of the connections that are shown, and adds those that were kept.
func (c *collector) show(p *partition, into *collected) {
	for _, x := range into.shown {
		into.rows = append(into.rows, c.row(p, x))
	}
	for _, k := range p.kept {
		into.rows = append(into.rows, k.row)
	}
}

func (c *collector) row(p *partition, x shown) result.Flow {
	row := p.rowAt(x.flow, x.ending, c.at)
	row.Limits |= x.limits
	return row
}
