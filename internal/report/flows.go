package report

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const flowColumns = 13

// A flowRow is one line of --flows, the opener's end first.
type flowRow [flowColumns]string

// flowTitles: pairs are what the opener sent, and what its peer sent.
var flowTitles = flowRow{
	"ID", "OPENER", "", "PEER", "START", "DURATION", "PACKETS >/<", "BYTES >/<", "RESENT >/<", "RTT", "ENDED", "STATES", "LIMITS",
}

// flowNumbers are the columns that align to the right.
var flowNumbers = [flowColumns]bool{0: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true}

// flowTable writes --flows: a row for each connection. The rows are made twice,
// once to measure them, because a million of them should not wait in memory for
// the widest.
func (t *textWriter) flowTable() {
	var widths [flowColumns]int
	measure := func(row flowRow) {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	write := func(row flowRow) {
		line := ""
		for i, cell := range row {
			if flowNumbers[i] {
				line += padLeft(cell, widths[i]) + "  "
			} else {
				line += padRight(cell, widths[i]) + "  "
			}
		}
		t.line(strings.TrimRight(line, " "))
	}
	for _, each := range [...]func(flowRow){measure, write} {
		each(flowTitles)
		for i := range t.r.Flows {
			each(t.flowRow(&t.r.Flows[i]))
		}
	}
}

func (t *textWriter) flowRow(f *result.Flow) flowRow {
	sides, rtt := openerFirst(f), ""
	if f.RTT != 0 {
		rtt = quantity.Duration(f.RTT)
	}
	return flowRow{
		unsigned(f.ID), f.End[sides[0]].String(), string(arrow(f)), f.End[sides[1]].String(),
		quantity.Seconds(f.First - t.r.Trace.First), quantity.Duration(f.Last - f.First),
		pair(f.Packets, sides), pair(f.Bytes, sides), pair(f.Rexmits, sides), rtt, Clean(f.Ending),
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
