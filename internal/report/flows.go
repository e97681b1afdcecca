package report

import (
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// flowTitles: pairs are what the opener sent, and what its peer sent.
var flowTitles = []string{
	"ID", "OPENER", "", "PEER", "START", "DURATION", "PACKETS >/<", "BYTES >/<", "RESENT >/<", "RTT", "ENDED", "CLOSED FIRST", "HISTORY", "STATES", "LIMITS",
}

// flowTable writes --flows: a row for each connection, the opener's end first.
// The rows are made twice, once to measure them, because a million of them
// should not wait in memory for the widest.
func (t *textWriter) flowTable() {
	numbers := []bool{0: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true}
	layout := tableLayout{right: numbers, room: t.o.room(0)}
	layout.measure(flowTitles)
	flows := t.o.flows(t.r)
	for _, f := range flows {
		layout.measure(t.flowRow(f))
	}
	t.lines("", layout.lines(flowTitles))
	for _, f := range flows {
		t.lines("", layout.lines(t.flowRow(f)))
	}
}

func (t *textWriter) flowRow(f *result.Flow) []string {
	sides, rtt := openerFirst(f), ""
	if f.RTT != 0 {
		rtt = quantity.Duration(f.RTT)
	}
	lasted := quantity.Duration(f.Last - f.First)
	if unordered(t.r) {
		lasted, rtt = "unknown", ""
	}
	return []string{
		unsigned(f.ID), t.o.endpoint(f, sides[0]), string(arrow(f)), t.o.endpoint(f, sides[1]),
		quantity.Seconds(f.First - t.r.Trace.First), lasted,
		pair(f.Packets, sides), pair(f.Bytes, sides), pair(f.Rexmits, sides), rtt, Clean(f.Ending), closedFirst(f), Clean(f.History),
		t.state(f, sides[0]) + "/" + t.state(f, sides[1]), f.Limits.String(),
	}
}

// pair is "14/26".
func pair(n [2]uint64, sides [2]reassembly.Side) string {
	return unsigned(n[sides[0]]) + "/" + unsigned(n[sides[1]])
}

func (t *textWriter) state(f *result.Flow, side reassembly.Side) string {
	return t.o.Names.bounded(f.State[side], f.Bounded[side])
}
