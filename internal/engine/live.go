package engine

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/watch"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Live analyses frames as they come and reports each finding as soon as it can. When it
// is closed, it has found what Run finds in the same frames. It is not safe for
// concurrent use: whoever reads the frames also moves the clock.
type Live struct {
	frameStats
	// Seen, if it is not nil, is given each frame that holds a segment before that is
	// processed. Neither is valid after the call.
	Seen func(*capture.Frame, *reassembly.Segment)

	options  *Options
	decoder  *decode.Decoder
	worker   worker
	position uint64 // of the last segment, those included that ICMP errors quote
	report   func(result.Finding)
	reported map[watch.Anchor]announced
	seen     map[string]int // for the IDs
	limits   fsm.Limits     // of the capture
}

// maxSeen bounds the memory of IDs. Beyond it, findings alike in connection and
// anchor segment may get the same.
const maxSeen = 1 << 16

// announced is what was last reported of a finding.
type announced struct {
	result.Finding
	flow result.Flow
}

// NewLive is ready for the first frame. report is called with each finding as soon as
// it can be made, and again with the same ID and a higher Revision when its outcome or
// verdict has changed. Final says that neither can change any more.
func NewLive(o Options, report func(result.Finding)) *Live {
	o.Workers = 1
	o.defaults()
	l := &Live{options: &o, decoder: decode.New(), report: report, reported: map[watch.Anchor]announced{}, seen: map[string]int{}}
	l.decoder.VerifyChecksums = o.VerifyChecksums
	o.live = l
	l.worker.options, l.worker.seed = &o, flow.NewSeed()
	return l
}

// Frame processes the next frame.
func (l *Live) Frame(fr *capture.Frame) {
	l.frame(fr)
	var seg reassembly.Segment
	for reason := range l.decoder.Packets(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) {
		if l.counts(reason) {
			l.segment(fr, &seg)
		}
	}
}

// segment processes one of a frame.
func (l *Live) segment(fr *capture.Frame, seg *reassembly.Segment) {
	seg.At, seg.Frame, seg.File, seg.Missing = fr.At, fr.Num, fr.File, fr.Missing
	if l.options.Rewrite != nil {
		l.options.Rewrite(seg)
	}
	l.position++
	if l.Seen != nil {
		l.Seen(fr, seg)
	}
	p := l.worker.partition(partitionOf(flow.Tuple(seg)))
	kept := len(p.kept)
	h := p.flows.Hashes(seg)
	id := p.process(seg, l.position, &h, &l.worker.events)
	l.finish(p, kept)
	if id != flow.New {
		l.announce(p, p.flows.At(id), seg.At)
	}
}

// Lost says that frames were lost: nothing can be said to be absent any more.
func (l *Live) Lost() {
	if l.limits&fsm.KernelDrops != 0 {
		return
	}
	l.limits |= fsm.KernelDrops
	l.reconsider()
}

// ClockSet says that the clock was set forward, or that nobody captured, after the last
// frame up to trace time at: how long nothing came before the next is not known.
func (l *Live) ClockSet(at int64) {
	l.trace.Step(at)
	l.reconsider()
}

// reconsider reports again what has become undecided.
func (l *Live) reconsider() {
	for _, a := range l.standing() {
		last := l.reported[a]
		before := last.Verdict
		l.doubt(&last.Finding.Finding)
		if last.Verdict != before {
			last.Revision++
			l.send(a, last)
		}
	}
}

// doubt makes undecided what the capture's limits leave no proof of.
func (l *Live) doubt(f *detectors.Finding) {
	f.Limits |= l.limits
	f.Doubt()
	doubtClock(f, &l.trace)
}

// Tick moves the clock to now while the wire is silent: deadlines up to now
// fire, and connections whose TIME_WAIT has passed leave. Every frame up to now
// must have been given before.
func (l *Live) Tick(now int64) {
	for _, p := range l.worker.all() {
		p.now = max(p.now, now)
		p.halfClosed(now)
		p.watch.Due(now, func(owner, watchers uint32, due int64) {
			id, upTo := flow.ID(owner), now
			if at, is := p.flows.ReplacedAt(id); is { // the four-tuple is another's from then on
				upTo = min(now, at)
			}
			if due <= upTo {
				f := p.flows.At(id)
				f.Watchers = p.watch.Expire(watchers, upTo, f.Conn.View())
				l.announce(p, f, now)
			}
		})
		l.leave(p, now)
	}
}

// leave lets go of connections that closed long enough ago.
func (l *Live) leave(p *partition, now int64) {
	for {
		id, is := p.flows.FirstClosed()
		if !is {
			return
		}
		f := p.flows.At(id)
		if f.Conn.Last()+int64(l.options.Settings.TimeWait) > now {
			return
		}
		before := len(p.kept)
		p.release(id, p.ending(id, f, &l.trace, now), false)
		p.left++
		l.finish(p, before)
	}
}

// finish reports, for the last time, what was found about connections that have been
// released since so many were kept.
func (l *Live) finish(p *partition, before int) {
	if len(p.kept) == before {
		return
	}
	for k := range p.kept[before:] {
		kept := &p.kept[before+k]
		for j := range kept.found {
			l.doubt(kept.found[j].Finding)
			l.update(kept.found[j].Finding, &kept.row, true)
		}
	}
	for _, forgotten := range p.kept[:max(0, len(p.kept)-maxKept)] {
		for j := range forgotten.found {
			delete(l.reported, watch.AnchorOf(forgotten.found[j].Finding))
		}
	}
	p.forget()
}

// announce reports what has changed about a connection.
func (l *Live) announce(p *partition, f *flow.Flow, now int64) {
	if f.Watchers == 0 || !p.watch.Changed(f.Watchers) {
		return
	}
	row := p.row(f, detectors.Ending{At: now})
	p.watch.Changes(f.Watchers, func(fd detectors.Finding) {
		l.doubt(&fd)
		l.update(&fd, &row, false)
	})
}

// update reports a finding if it is new, changed, or final.
func (l *Live) update(f *detectors.Finding, row *result.Flow, final bool) {
	a := watch.AnchorOf(f)
	last, again := l.reported[a]
	if last.Final || again && !final && last.Outcome == f.Outcome && last.Verdict == f.Verdict {
		return
	}
	now := announced{result.Finding{Finding: *f, Revision: 1, Final: final}, *row}
	if again {
		now.ID, now.Revision = last.ID, last.Revision
		if last.Outcome != f.Outcome || last.Verdict != f.Verdict {
			now.Revision++
		}
	} else {
		if len(l.seen) > maxSeen {
			clear(l.seen)
		}
		now.ID = identify(f, row, l.seen)
	}
	l.send(a, now)
}

// send reports a finding and remembers that. What is final is remembered, too: the
// closing report comes upon it again.
func (l *Live) send(a watch.Anchor, now announced) {
	now.Flow = &now.flow
	l.reported[a] = now
	l.report(now.Finding)
}

// withdraw takes back what was reported and no longer stands. What is omitted holds,
// but the connection has so many findings that the closing report leaves it out.
func (l *Live) withdraw(a watch.Anchor, omitted bool) {
	last, is := l.reported[a]
	if !is || last.Final {
		return
	}
	if !omitted {
		last.Verdict, last.Reason = detectors.Undecided, "withdrawn: a later frame explains it"
		last.Revision++
		last.Withdrawn = true
	}
	last.Final = true
	last.Flow = &last.flow
	delete(l.reported, a)
	l.report(last.Finding)
}

// Close ends the trace at end, or at its last frame if that is later. What is
// still open is decided and reported, and the closing report returned. Connections
// have the numbers of a file there: Flow.Conn is what they were reported with.
func (l *Live) Close(end int64, captures []result.Capture) *result.Report {
	l.Tick(end)
	return l.close(max(end, l.trace.Last), captures)
}

func (l *Live) close(end int64, captures []result.Capture) *result.Report {
	r, _ := assemble(l.options, l.whole(end), l.worker.all(), captures)
	for i := range r.Findings {
		f := &r.Findings[i]
		row := *f.Flow
		row.ID = row.Conn // as it was reported with
		l.update(&f.Finding, &row, true)
		last := l.reported[watch.AnchorOf(&f.Finding)]
		f.ID, f.Revision = last.ID, last.Revision
	}
	return r
}

// CloseTrace is Close where the frames came from captures, which state how they end.
func (l *Live) CloseTrace(files *capture.Trace) *result.Report {
	infos := files.Infos()
	captures := make([]result.Capture, len(infos))
	for i := range infos {
		captures[i] = captureRow(&infos[i].Capture)
	}
	return l.close(max(l.trace.Last, files.End()), captures)
}

// Snapshot is the state of things at now: every connection, and the findings
// that stand.
func (l *Live) Snapshot(now int64, captures []result.Capture) *result.Report {
	r := &result.Report{Captures: captures, Trace: result.Span{First: l.trace.First, Last: l.trace.Last, End: now}}
	r.Totals = result.Totals{Packets: l.trace.Packets, TCPSegments: l.trace.Segments, Skipped: skippedFrames(l.whole(now))}
	for _, p := range l.worker.all() {
		for _, f := range p.flows.All() {
			r.Flows = append(r.Flows, p.row(f, detectors.Ending{At: now}))
		}
		r.Totals.EvictedFlows += p.dropped
		r.Totals.CrowdedFlows += p.crowded
	}
	r.Totals.Flows = uint64(len(r.Flows))
	for _, a := range l.standing() {
		last := l.reported[a]
		f := last.Finding
		f.Flow = &last.flow
		r.Findings = append(r.Findings, f)
	}
	return r
}

// standing are the findings that may still change, in order of time.
func (l *Live) standing() []watch.Anchor {
	var list []watch.Anchor
	for a := range l.reported {
		if !l.reported[a].Final {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b watch.Anchor) int {
		x, y := l.reported[a], l.reported[b]
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.ID, y.ID))
	})
	return list
}

// Sockets counts the ends of the connections that are held, by state at now.
func (l *Live) Sockets(now int64) map[fsm.State]int {
	n := map[fsm.State]int{}
	for _, p := range l.worker.all() {
		for _, f := range p.flows.All() {
			for side := range reassembly.Side(2) {
				state, _ := f.Conn.State(side, now, l.options.Settings.TimeWait)
				n[state]++
			}
		}
	}
	return n
}

// Connections is how many connections are held.
func (l *Live) Connections() (n int) {
	for _, p := range l.worker.all() {
		n += p.flows.Len()
	}
	return n
}
