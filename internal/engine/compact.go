package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A connection is compacted when it has closed in order and nothing watches it: at the end
// of the trace there is nothing to say of it. So it is counted then, and not at the end,
// unless it is expanded before.

// Rest implements [flow.Compactor].
func (p *partition) Rest(f *flow.Flow) uint32 { return p.watch.Rest(f.Watchers, f.Conn.View()) }

// Record implements [flow.Compactor].
func (p *partition) Record(watchers uint32) (of *fsm.Close, ok bool) { return p.watch.Record(watchers) }

// Rests implements [flow.Compactor].
func (p *partition) Rests(account uint32) bool { return waits.Resting(account) }

// Compacted implements [flow.Compactor].
func (p *partition) Compacted(f *flow.Flow, of *fsm.Close) {
	if of != nil {
		p.watch.Drop(f.Watchers)
	}
	p.watch.Timers.Stop(f.Position)
	count(&p.counts, f, 1)
	p.rexmits += rexmits(f)
}

// Expanded implements [flow.Compactor].
func (p *partition) Expanded(id flow.ID, f *flow.Flow, of *fsm.Close) (watchers uint32) {
	count(&p.counts, f, minusOne)
	p.rexmits -= rexmits(f)
	if of == nil {
		return 0
	}
	return p.watch.Restore(uint32(id), of)
}

// rexmits is how many segments of the connection were sent again.
func rexmits(f *flow.Flow) uint64 {
	return f.Conn.Retransmissions(reassembly.A) + f.Conn.Retransmissions(reassembly.B)
}
