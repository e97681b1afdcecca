package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// openAccount opens the account of a connection's time: with the first payload, since a
// connection without needs none, unless all are reported. It does not open another one
// for a connection that is over.
func (p *partition) openAccount(id flow.ID, f *flow.Flow) bool {
	if !p.accounts || f.Conn.Over() {
		return false
	}
	f.Account = p.waits.Defer(uint32(id))
	return true
}

// endAccount ends the account of a connection's time: at its last segment if it is over or
// leaves, else at the end of the trace.
func (p *partition) endAccount(f *flow.Flow, e detectors.Ending) {
	p.time, p.accounted = nil, 0
	if f.Account == 0 {
		return
	}
	p.time = p.waits.Close(f.Account, p.accountUntil(f, e), e.At, &f.Conn)
	p.accounted = f.Position
	f.Account = 0
}

// accountUntil is until when an account goes.
func (p *partition) accountUntil(f *flow.Flow, e detectors.Ending) int64 {
	at := f.Conn.Last()
	if (e.Why == detectors.TraceOver || e.Why == detectors.Interrupted) && !f.Conn.Over() {
		at = max(at, e.At, p.traceEnd)
	}
	return at
}

// discardJournals ends the journals that nobody needs, when the trace is over. They take as much as a tenth of the memory of a capture of
// short connections, and findings are written next.
func (c *collector) discardJournals(p *partition) {
	p.traceEnd = c.end
	for id, f := range p.flows.Uncompacted {
		if waits.Journalled(f.Account) && p.waits.Discard(f.Account, p.accountUntil(f, p.ending(id, f, c.trace, c.end))) {
			f.Account = 0
		}
	}
	p.waits.Trim()
}

// overAccount ends the account of a connection that is over at trace time at, or has it
// rest if the report has it: something may still follow.
func (p *partition) overAccount(f *flow.Flow, at int64) {
	v := f.Conn.View()
	switch {
	case !p.options.Time:
		p.endAccount(f, detectors.Ending{At: at})
	case f.Account == 0 || waits.Resting(f.Account):
	case v.Phase(reassembly.A) == fsm.PhaseFinAcked && v.Phase(reassembly.B) == fsm.PhaseFinAcked && !p.options.Follow.follows(f):
		f.Account = p.waits.Rest(f.Account, f.Conn.Last(), &f.Conn)
	default:
		p.waits.Over(f.Account, f.Conn.Last(), at, &f.Conn)
	}
}

// exchange delivers what an account tells of a request and its answer. A prompt answer
// starts no watcher, and is nothing to the record of a close.
func (p *partition) exchange(owner uint32, x *detectors.Exchange) {
	f := p.flows.At(flow.ID(owner))
	if x.Response >= int64(detectors.PromptAnswer) || p.watch.Running(f.Watchers) > 0 {
		f.Watchers = p.watch.Answered(f.Watchers, owner, f.Conn.View(), x.Told, x)
	}
}

// transfer does the same for a run of payload.
func (p *partition) transfer(owner uint32, t *detectors.Transfer) {
	f := p.flows.At(flow.ID(owner))
	if t.Duration() < minTransfer && t.Pause == 0 {
		return
	}
	f.Watchers = p.watch.Transferred(f.Watchers, owner, f.Conn.View(), t.Told, t)
}

// minTransfer is how long a transfer takes that detectors are told of: nobody waits for a
// shorter one.
const minTransfer = 100_000_000

// stretch passes on what a connection that is followed waited for.
func (p *partition) stretch(owner uint32, x *waits.Stretch) {
	if f := p.flows.At(flow.ID(owner)); p.options.Follow.follows(f) {
		p.options.Follow.Stretch(f.Position, x)
	}
}
