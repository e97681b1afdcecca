package engine

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// One four-tuple after another comes out as all of them at once.
func TestTuples(t *testing.T) {
	name, _ := trace(t, tracegen.Spec{Frames: 30_000, Flows: 200, Snap: 96, Faults: 5, Seed: 9})
	o := Options{Detectors: catalogue.All, AllFlows: true}
	files, _ := capture.OpenTrace([]string{name}, capture.Options{})
	defer files.Close()
	source := Frames(context.Background(), files, &o)
	type placed struct {
		reassembly.Segment
		position uint64
	}
	tuples := map[uint64][]placed{}
	for {
		var seg placed
		position, err := source.Next(&seg.Segment)
		if err != nil {
			break
		}
		seg.position = position
		tuples[Tuple(&seg.Segment)] = append(tuples[Tuple(&seg.Segment)], seg)
	}
	report := run(t, o, name)
	whole := source.Stats()
	whole.Counts.Known = true

	var findings, rows []string
	tuplesOf := NewTuples(o, whole)
	counts := whole.Counts
	for _, segs := range tuples { // in any order
		begun := 0
		for i := range segs {
			if tuplesOf.Process(segs[i].position, &segs[i].Segment) {
				begun++
			}
		}
		r, c, openings := tuplesOf.End()
		if begun != len(r.Flows) {
			t.Errorf("%d connections began, and %d are reported", begun, len(r.Flows))
		}
		counts.Add(&c)
		for i := range openings {
			own := slices.Clone(r.Findings)
			own = slices.DeleteFunc(own, func(f result.Finding) bool { return f.Flow.Conn != openings[i].Position })
			Relate(own, &openings[i], slices.Delete(slices.Clone(openings), i, i+1))
			Doubt(own, &whole.Counts, whole)
			findings = append(findings, textOf(own)...)
		}
		rows = append(rows, rowsText(r.Flows)...)
	}
	if counts.Flows != report.Totals.Flows {
		t.Errorf("%d connections are counted of %d", counts.Flows, report.Totals.Flows)
	}
	demandSame(t, "findings", findings, textOf(report.Findings))
	demandSame(t, "connections", rows, rowsText(report.Flows))
}

func demandSame(t *testing.T, what string, have, want []string) {
	t.Helper()
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%d %s, which are not the %d of the whole", len(have), what, len(want))
	}
}

// textOf has findings as text, without the number of their connection.
func textOf(findings []result.Finding) (all []string) {
	for _, f := range findings {
		b, _ := json.Marshal([]any{f.Finding, f.ID, f.Flow.Conn})
		all = append(all, string(b))
	}
	return all
}

func rowsText(rows []result.Flow) (all []string) {
	for _, r := range rows {
		r.ID = 0
		b, _ := json.Marshal(r)
		all = append(all, string(b))
	}
	return all
}
