package engine

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
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

// NewTuples analyses by what the whole trace shows. What depends on other connections, and on
// the counts of all, is left to Relate and Doubt.
func NewTuples(o Options, trace *stats.Trace) *Tuples {
	o.defaults()
	o.AllFlows, o.MaxFlows, o.apart = true, partitions*DefaultMaxFlows, true
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
	h := p.flows.Hashes(seg)
	id := p.process(seg, position, &h, &t.events)
	return id != flow.New && p.flows.At(id).Position == position
}

// End ends the connections of the four-tuple, and reports them all with their
// counts, and with how they were opened, in order. In the report's totals, packets and segments
// are those of the whole trace.
func (t *Tuples) End() (*result.Report, stats.Counts, []stats.Opening) {
	report, counts := assemble(&t.options, t.trace, []*partition{t.part}, t.captures)
	var all []stats.Opening
	for _, f := range t.part.flows.All() {
		all = append(all, openingOf(f))
		countHosts(&counts.Hosts, f)
		countTry(&counts.Scans, &f.Conn)
	}
	sorting.Stable(all, func(a, b stats.Opening) int { return cmp.Compare(a.Position, b.Position) })
	t.part.reset()
	return report, counts, all
}

// Asks reports whether other connections may bear on a finding: one that rests on a SYN, or
// says that something is absent.
func Asks(f *result.Finding) bool {
	return f.Verdict == detectors.Seen && (f.SYN != nil || f.Absence != detectors.NoAbsence)
}

// sameISS reports whether two connections began with the same initial sequence number, as their SYNs show.
func sameISS(a, b *stats.Opening) bool { return a.SYNs && b.SYNs && a.ISS == b.ISS }

// Relate tells the findings of one connection what others with the same initial sequence
// number, in the order of the trace, show of it: that its SYN was answered elsewhere, or that it
// was captured a second time, with an address translated.
func Relate(findings []result.Finding, own *stats.Opening, others []stats.Opening) {
	for i := range findings {
		f := &findings[i]
		if !Asks(f) {
			continue
		}
		var same sameSYN
		for k := range others {
			if o := &others[k]; f.SYN != nil && synOf(o) == *f.SYN {
				same.add(o, f.Finding)
			}
		}
		same.tell(f.Finding)
		for k := range others {
			if o := &others[k]; Asks(f) && f.Absence != detectors.NoAbsence && sameISS(own, o) && translated(own, o) && sentMore(o, own, f.Subject) {
				f.Translated(o.End[reassembly.A], o.End[reassembly.B], o.Last[f.Subject])
				break
			}
		}
	}
}
