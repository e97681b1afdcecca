package catalogue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// verdicts are the findings of a trace without what may differ: identifiers,
// addresses and absolute times.
func verdicts(t testing.TB, tr *scenario.Trace) string {
	t.Helper()
	var all string
	rep := analyse(t, tr, engine.Options{})
	for i := range rep.Findings {
		f := &rep.Findings[i]
		all += fmt.Sprintln(f.Detector, f.Outcome, f.Verdict, f.Severity, f.Reason, f.Subject, f.States, f.Limits, f.Metrics,
			f.Start-tr.Start, f.End-tr.Start, f.At-tr.Start)
		for _, e := range f.Evidence {
			all += fmt.Sprint(" ", e.Role[:min(len(e.Role), 6)], e.Seg.Frame)
		}
	}
	for i := range rep.Flows {
		f := &rep.Flows[i]
		all += fmt.Sprintln("\nflow", f.ID, f.Initiator, f.State, f.Bounded, f.Ending, f.Packets, f.Bytes, f.Rexmits, f.RTT, f.History, f.Limits)
	}
	return all
}

// changed is a copy of the trace with each line's segment changed.
func changed(tr *scenario.Trace, change func(l *scenario.Line)) *scenario.Trace {
	c := *tr
	c.Lines = append([]scenario.Line(nil), tr.Lines...)
	for i := range c.Lines {
		change(&c.Lines[i])
	}
	return &c
}

// Where the sequence spaces of both sides begin does not matter: anywhere, and
// in half of the trials so that one or both end within the trace.
func TestInvariance_sequenceSpace(t *testing.T) {
	trials := 6
	if testing.Short() {
		trials = 3
	}
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		r := rand.New(rand.NewPCG(uint64(len(tr.Lines)), 7))
		want := verdicts(t, tr)
		for range trials {
			shift := make([]reassembly.Seq, len(tr.Hosts))
			for i := range shift {
				shift[i] = reassembly.Seq(r.Uint32())
				if l := tr.Lines[r.IntN(len(tr.Lines))]; r.IntN(2) == 0 && l.From == i {
					shift[i] = -l.Seg.Seq - reassembly.Seq(r.IntN(3))
				}
			}
			got := verdicts(t, changed(tr, func(l *scenario.Line) {
				if l.Other || l.End {
					return
				}
				l.Seg.Seq += shift[l.From]
				if l.Seg.Flags.Has(reassembly.ACK) {
					l.Seg.Ack += shift[l.To]
				}
				for i := range l.Seg.Opts.NBlocks {
					l.Seg.Opts.Blocks[i].From += shift[l.To]
					l.Seg.Opts.Blocks[i].To += shift[l.To]
				}
			}))
			if got != want {
				t.Fatalf("sequence spaces shifted by %v:\n%s\nwant\n%s", shift, got, want)
			}
		}
	})
}

// When it happened does not matter.
func TestInvariance_time(t *testing.T) {
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		want := verdicts(t, tr)
		for _, d := range []time.Duration{-20 * 365 * 24 * time.Hour, 987654321 * time.Microsecond, 100 * 365 * 24 * time.Hour} {
			c := changed(tr, func(l *scenario.Line) { l.Seg.At += int64(d) })
			c.Start += int64(d)
			if c.End != 0 {
				c.End += int64(d)
			}
			if got := verdicts(t, c); got != want {
				t.Errorf("%v later:\n%s\nwant\n%s", d, got, want)
			}
		}
	})
}

// Which end has the lower address does not matter.
func TestInvariance_addresses(t *testing.T) {
	mirror := func(e *reassembly.Endpoint) {
		for i := 13; i < 16; i++ {
			e.Addr[i] ^= 0xff
		}
	}
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		want := verdicts(t, tr)
		c := changed(tr, func(l *scenario.Line) {
			if !l.Other && !l.End {
				mirror(&l.Seg.Src)
				mirror(&l.Seg.Dst)
			}
		})
		if got := verdicts(t, c); got != want {
			t.Errorf("with the order of addresses reversed:\n%s\nwant\n%s", got, want)
		}
	})
}
