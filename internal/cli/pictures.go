package cli

import (
	"context"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// pictures are what an HTML page draws of the connections whose findings it
// tells: the capture is read once more for them. Nil if it cannot be.
func (c *command) pictures(ctx context.Context, r *result.Report, o *engine.Options, ro report.Options) *report.Pictures {
	if c.readsOnce() {
		c.warn("no pictures: they need a second reading, which standard input and pipes do not allow")
		return nil
	}
	p := report.NewPictures(r, ro)
	drawn := map[uint64]bool{}
	for _, id := range p.Flows() {
		drawn[id] = true
	}
	ids := map[uint64]uint64{} // by Flow.Conn
	follow := &engine.Follow{Conns: map[uint64]bool{}, Turn: func(t result.Turn) { p.Add(ids[t.Conn], &t) }}
	for i := range r.Flows {
		if f := &r.Flows[i]; drawn[f.ID] {
			ids[f.Conn] = f.ID
			follow.Conns[f.Conn] = true
		}
	}
	if len(ids) > 0 {
		c.again(ctx, *o, follow)
	}
	return p
}
