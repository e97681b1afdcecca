package metamorphic

import (
	"math"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A capture of more than 2^32 frames, whose numbers begin again in its middle: they are
// names, and never tell what came before what.
func TestNumbersBeginAgain(t *testing.T) {
	forEach(t, 8, func(t *testing.T, c *conversation) {
		before := uint32(math.MaxUint32 - len(c.frames)/2)
		rep, err := run(write(t, plain.pcap(c.frames)), nil, engine.Options{Workers: 1, Rewrite: func(seg *reassembly.Segment) { seg.Frame += before }})
		if err != nil {
			t.Fatal(err)
		}
		c.plain.same(t, summarise(rep, func(_ uint16, frame uint32) uint32 { return frame - before }))
	})
}
