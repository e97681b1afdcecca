package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Tuples analyses the connections of one four-tuple, and then of the next: for those
// who have all segments of each, and each by itself. It reports what Analyze would of
// every one alone, without setting up a pool each time.
//
// Bounds that a trace's connections share hold for each four-tuple here: none is
// evicted for another's sake, and a thousand findings of a detector are listed of
// each.
type Tuples struct {
	options  Options
	trace    *stats.Trace
	captures []result.Capture // their drops, which bear on verdicts
	part     *partition
	events   fsm.Events
}

// NewTuples analyses by what the whole trace shows. Its counts hold if they are
// Known; empty ones leave Doubt to the caller.
func NewTuples(o Options, trace *stats.Trace) *Tuples {
	o.defaults()
	o.AllFlows, o.MaxFlows = true, partitions*DefaultMaxFlows
	t := &Tuples{options: o, trace: trace, captures: make([]result.Capture, 1)}
	for _, c := range trace.Captures {
		t.captures[0].Drops += c.Drops
	}
	t.part = newPartition(&t.options, flow.NewSeed())
	return t
}

// Process applies the next segment of the four-tuple. Positions grow; begins says that
// a connection begins with this one.
func (t *Tuples) Process(position uint64, seg *reassembly.Segment) (begins bool) {
	p := t.part
	id := p.process(seg, position, p.flows.Hash(seg), flow.New, flow.Fingerprint(flow.Tuple(seg), seg), &t.events)
	return id != flow.New && p.flows.At(id).Position == position
}

// End ends the connections of the four-tuple, and reports them all with their
// counts. In the report's totals, packets and segments are those of the whole trace.
func (t *Tuples) End() (*result.Report, stats.Counts) {
	report, counts := assemble(&t.options, t.trace, []*partition{t.part}, t.captures)
	t.part.reset()
	return report, counts
}
