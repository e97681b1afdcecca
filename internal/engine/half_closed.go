package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/watch"
)

// halfClosing starts the timer of a connection that may be half closed.
func (p *partition) halfClosing(id flow.ID, f *flow.Flow) {
	if !p.starts.Has(fsm.HalfClosed) || f.Conn.Over() {
		return
	}
	timers := &p.watch.Timers
	if n := timers.Len(); n > 2*flow.ChunkSize && n > 2*p.flows.Len() { // time stands still, and connections come and go
		timers.Prune(func(t *watch.HalfClose) bool { return p.timed(t) != nil })
	}
	timers.Arm(uint32(id), f.Position, &f.Conn)
}

// halfClosed brings the event of the connections that have been half closed for a
// second by trace time now.
func (p *partition) halfClosed(now int64) {
	for t, at, is := p.watch.Timers.Next(now); is; t, at, is = p.watch.Timers.Next(now) {
		if f := p.timed(&t); f != nil {
			f.Watchers = p.watch.HalfClosed(f.Watchers, &t, at, f.Conn.View())
		}
	}
}

// timed is the connection of a timer, nil if it is not half closed any more.
func (p *partition) timed(t *watch.HalfClose) *flow.Flow {
	if f := p.flows.Held(flow.ID(t.Owner), t.Position); f != nil && f.Conn.HalfClosed(t.Side) {
		return f
	}
	return nil
}
