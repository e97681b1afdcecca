package report

import (
	"fmt"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// refusedBy are two connections of one client that each of n servers refused.
func refusedBy(n int) *result.Report {
	r := &result.Report{}
	for i := range 2 * n {
		f := flow(uint64(i+1), fmt.Sprintf("10.0.0.1:%d", 40000+i), fmt.Sprintf("10.0.1.%d:%d", i/2+1, 80+i))
		f.State = [2]fsm.State{fsm.Closed, fsm.Closed}
		r.Findings = append(r.Findings, result.Finding{ID: fmt.Sprint(i), Flow: f, Finding: &detectors.Finding{
			Detector: "reset-cause", Outcome: "refused", Severity: detectors.Warning, Subject: reassembly.B, Fault: detectors.FaultHost,
			States: [2]fsm.State{fsm.SynSent, fsm.Closed},
		}})
	}
	return r
}

// A few servers that refuse connections are a problem each; a host that many refuse is one.
func TestGroups_scan(t *testing.T) {
	few := groupFindings(refusedBy(scanHosts-1), &Options{})
	if got, want := few[0].summary(RFC), "server 10.0.1.1: refused 2 connections"; len(few) != scanHosts-1 || got != want {
		t.Errorf("%d groups, the first is %q, want %d and %q", len(few), got, scanHosts-1, want)
	}
	scan := groupFindings(refusedBy(scanHosts), &Options{})
	if got, want := scan[0].summary(RFC), "4 hosts refused 8 connections of 10.0.0.1"; len(scan) != 1 || got != want {
		t.Errorf("%d groups, the first is %q, want one and %q", len(scan), got, want)
	}
}

// What a RST has ended is left in no state.
func TestGroups_left(t *testing.T) {
	for end, want := range map[fsm.State]string{
		fsm.CloseWait: "server 10.0.1.1: 2 connections left in CLOSE_WAIT",
		fsm.Closed:    "server 10.0.1.1: 2 connections in CLOSE_WAIT",
	} {
		r := refusedBy(1)
		for i := range r.Findings {
			f := &r.Findings[i]
			f.Outcome, f.States, f.Flow.State = "aborted", [2]fsm.State{fsm.FinWait2, fsm.CloseWait}, [2]fsm.State{fsm.FinWait2, end}
		}
		if got := groupFindings(r, &Options{})[0].summary(RFC); got != want {
			t.Errorf("%v: %q, want %q", end, got, want)
		}
	}
}
