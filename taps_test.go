package tcptrace_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/taps"
)

const client, server = "testdata/client.txtar", "testdata/server.txtar"

// Options that contradict each other, or that no file can satisfy, are errors.
func TestAnalyze_badTaps(t *testing.T) {
	named := func(taps ...tcptrace.NamedTap) tcptrace.Options { return tcptrace.Options{Taps: taps} }
	both := named(tcptrace.NamedTap{Name: "a", Files: []string{client}})
	both.Each = true
	for want, x := range map[string]struct {
		o     tcptrace.Options
		files []string
	}{
		"exclude each other":    {both, nil},
		`tap "" must have`:      {named(tcptrace.NamedTap{Files: []string{client}}), nil},
		`tap "b" must have`:     {named(tcptrace.NamedTap{Name: "b"}), nil},
		"a name of its own":     {named(tcptrace.NamedTap{Name: "c", Files: []string{client}}, tcptrace.NamedTap{Name: "c", Files: []string{server}}), nil},
		"-: Taps and Each need": {tcptrace.Options{Each: true}, []string{client, "-"}},
	} {
		if _, err := tcptrace.Analyze(context.Background(), x.o, x.files...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Captures from both ends are recognised, unless they have nothing to do with each other.
func TestAnalyze_each(t *testing.T) {
	for _, each := range []bool{false, true} {
		r, err := tcptrace.Analyze(context.Background(), tcptrace.Options{AllFlows: true, Each: each}, client, server)
		if err != nil {
			t.Fatal(err)
		}
		if taps, flows := len(r.Taps), len(r.Flows); each && (taps != 0 || flows != 2) || !each && (taps != 2 || flows != 1) {
			t.Errorf("Each is %t: %d taps, %d connections", each, taps, flows)
		}
	}
}

// Detectors that compare taps run if they are chosen, or if none is.
func TestAnalyze_tapDetectors(t *testing.T) {
	for _, x := range []struct {
		detectors []*detectors.Detector
		want      string
	}{
		{nil, "unretransmitted-fin"}, // lost-between has nothing to add
		{[]*detectors.Detector{taps.LostBetween}, "lost-between"},
		{[]*detectors.Detector{taps.InjectedBetween}, ""},
		{catalogue.All, "unretransmitted-fin"},
	} {
		r, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Detectors: x.detectors}, client, server)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range r.Findings {
			got += f.Detector
		}
		if got != x.want {
			t.Errorf("%d detectors found %q, want %q", len(x.detectors), got, x.want)
		}
	}
}
