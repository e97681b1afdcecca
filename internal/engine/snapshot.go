package engine

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Snapshot is the state of things at now: every connection, and the findings
// that stand.
func (l *Live) Snapshot(now int64, captures []result.Capture) *result.Report {
	r := &result.Report{Captures: captures, Trace: result.Span{First: l.trace.First, Last: l.trace.Last, End: now}}
	r.Totals = result.Totals{Packets: l.trace.Packets, TCPSegments: l.trace.Segments, Skipped: skippedFrames(l.whole(now))}
	for _, p := range l.worker.all() {
		for _, f := range p.flows.All() {
			r.Flows = append(r.Flows, p.row(f, detectors.Ending{At: now}))
		}
		r.Totals.EvictedFlows += p.dropped
		r.Totals.CrowdedFlows += p.crowded
	}
	r.Totals.Flows = uint64(len(r.Flows))
	for _, a := range l.standing() {
		last := l.reported[a]
		f := last.Finding
		f.Flow = &last.flow
		r.Findings = append(r.Findings, f)
	}
	return r
}

// Sockets counts the ends of the connections that are held, by state at now.
func (l *Live) Sockets(now int64) map[fsm.State]int {
	n := map[fsm.State]int{}
	for _, p := range l.worker.all() {
		for _, f := range p.flows.All() {
			for side := range reassembly.Side(2) {
				state, _ := f.Conn.State(side, now, l.options.Settings.TimeWait)
				n[state]++
			}
		}
	}
	return n
}

// Connections is how many connections are held.
func (l *Live) Connections() (n int) {
	for _, p := range l.worker.all() {
		n += p.flows.Len()
	}
	return n
}
