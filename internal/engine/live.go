package engine

import (
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
		if reason != decode.OK {
			l.other(fr)
		}
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
		l.update(f.Finding, &row, true)
		last := l.reported[watch.AnchorOf(f.Finding)]
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
