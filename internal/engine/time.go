package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// account gives the time up to a segment to what was waited for. A connection without
// payload needs no account unless it is reported, and one that is over needs it no
// longer.
func (p *partition) account(id flow.ID, f *flow.Flow, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events) {
	if f.Account == 0 {
		f.Account = p.waits.Open()
	}
	p.current = id
	p.waits.Process(f.Account, seg, side, ev, f.Conn.View())
	if ev.Ends() && !p.options.Time && f.Conn.Over() {
		p.endAccount(id, f, detectors.Ending{At: seg.At})
	}
}

// endAccount ends the account of a connection's time: at its last segment if it is over or
// leaves, else at the end of the trace.
func (p *partition) endAccount(id flow.ID, f *flow.Flow, e detectors.Ending) {
	p.time, p.accounted = nil, 0
	if f.Account == 0 {
		return
	}
	at := f.Conn.Last()
	if e.Why == detectors.TraceOver && !f.Conn.Over() {
		at = max(at, e.At, p.traceEnd)
	}
	p.current = id
	p.time, p.accounted = p.waits.End(f.Account, at, e.At, f.Conn.View()), f.Position
	f.Account = 0
}

// exchange delivers what an account tells of a request and its answer. A prompt answer
// starts no watcher.
func (p *partition) exchange(x *detectors.Exchange, at int64) {
	f := p.flows.At(p.current)
	if x.Response >= int64(detectors.PromptAnswer) && p.starts.Has(fsm.Answered) || f.Watchers != 0 {
		f.Watchers = p.watch.Answered(f.Watchers, uint32(p.current), f.Conn.View(), at, x)
	}
}

// transfer does the same for a run of payload.
func (p *partition) transfer(t *detectors.Transfer, at int64) {
	f := p.flows.At(p.current)
	f.Watchers = p.watch.Transferred(f.Watchers, uint32(p.current), f.Conn.View(), at, t)
}
