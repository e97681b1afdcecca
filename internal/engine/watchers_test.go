package engine

import (
	"bytes"
	"context"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Most captures consist of short connections that close in order: none of these has a
// watcher in the end.
func TestWatchers_shortConnections(t *testing.T) {
	var b bytes.Buffer
	if _, err := tracegen.Write(&b, tracegen.Spec{Frames: 20_000, Flows: 300, Web: true, Snap: 96, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	trace, _ := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: &b})
	defer trace.Close()
	o := &Options{Detectors: catalogue.All, Settings: new(detectors.Settings)}
	o.defaults()
	pool := newPool(o)
	read(context.Background(), Frames(context.Background(), trace, o), o, pool, nil)
	ordinary, watched := 0, 0
	for _, p := range pool.partitions() {
		for _, f := range p.flows.All() {
			c := &f.Conn
			if _, reset := c.ResetBy(); reset || !c.Over() || c.Retransmissions(reassembly.A)+c.Retransmissions(reassembly.B) > 0 {
				continue
			}
			ordinary++
			if p.watch.Running(f.Watchers) > 0 {
				watched++
			}
		}
	}
	if ordinary < 1000 || watched > ordinary/50 {
		t.Errorf("%d of %d ordinary connections have watchers", watched, ordinary)
	}
}
