package catalogue_test

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/closing"
	"github.com/tcptrace-go/tcptrace/detectors/flowcontrol"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// Thresholds that are set move the verdict.
func TestSettings_thresholds(t *testing.T) {
	const oneSilent = `0.000  client > server  S   0:0(0)             win 1000
+.010  server > client  S.  0:0(0)     ack 1   win 65160
+.010  client > server  P.  1:11(10)   ack 1   win 0
+2.00  server > client  P.  1:2(1)     ack 11  win 65160
+.010  client > server  .   11:11(0)   ack 1   win 0
+4.00  server > client  P.  1:2(1)     ack 11  win 65160
+.010  client > server  .   11:11(0)   ack 1   win 0
+8.00  server > client  P.  1:2(1)     ack 11  win 65160
`
	const series = `0.000  server > client  .   1000:1000(0) ack 1 win 65160
+.300  server > client  .   1000:1000(0) ack 1 win 65160
+.600  server > client  .   1000:1000(0) ack 1 win 65160
+2.00  end
`
	const lostFIN = `0.000  client > server  .   1:1(0)     ack 1   win 64240
+.010  server > client  F.  1:1(0)     ack 1   win 65160
+60.0  end
`
	zwp, fin := flowcontrol.ZeroWindowProbeLoop, closing.UnretransmittedFIN
	for _, c := range []struct {
		trace string
		d     *detectors.Detector
		param string
		value float64
		want  string
	}{
		{oneSilent + "+7.90 end", zwp, "min-silent", 1, "stalled"}, // the last interval was 8 s
		{oneSilent + "+8.10 end", zwp, "min-silent", 1, "ghosted"},
		{oneSilent + "+8.10 end", zwp, "min-silent", 2, "stalled"},
		{oneSilent + "+8.10 end", zwp, "min-probes", 4, ""},
		{series, zwp, "min-probes", 3, "undecided"},
		{series, zwp, "min-probes", 4, ""},
		{lostFIN, fin, "patience", 59, "silent"},
		{lostFIN, fin, "patience", 61, "undecided"},
	} {
		f, err := scenario.Parse("x", []byte(c.trace))
		if err != nil {
			t.Fatal(err)
		}
		var s detectors.Settings
		if err := s.Set(c.d, c.param, c.value); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range analyse(t, f.Traces[0], engine.Options{Settings: &s}).Findings {
			got = f.Outcome
			if f.Verdict == detectors.Undecided {
				got = "undecided"
			}
		}
		if got != c.want {
			t.Errorf("with %s.%s=%g: %q, want %q, of\n%s", c.d.Name, c.param, c.value, got, c.want, c.trace)
		}
	}
}

func TestSettings_Set(t *testing.T) {
	var s detectors.Settings
	d := flowcontrol.ZeroWindowProbeLoop
	for _, c := range []struct {
		name  string
		value float64
		want  string
	}{
		{"min-probes", 0, "must lie between 1 and 1000"},
		{"min-probes", 1001, "must lie between"},
		{"no-such", 5, `no parameter "no-such"`},
	} {
		if err := s.Set(d, c.name, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%g: %v, want an error that says %q", c.name, c.value, err, c.want)
		}
	}
	if got := s.Value(d, "min-probes"); got != 3 {
		t.Errorf("min-probes is %g after failed settings, want its default 3", got)
	}
	if err := s.Set(d, "min-probes", 7); err != nil || s.Value(d, "min-probes") != 7 {
		t.Errorf("min-probes=7: %v, then %g", err, s.Value(d, "min-probes"))
	}
}

// What is declared wrongly is an error that names the detector and the field.
func TestValidate(t *testing.T) {
	outcome := func(name string) *detectors.Outcome { return &detectors.Outcome{Name: name} }
	for _, c := range []struct {
		want   string
		change func(*detectors.Detector)
	}{
		{`Name "Zero_Window" is not in kebab-case`, func(d *detectors.Detector) { d.Name = "Zero_Window" }},
		{"Watch is nil", func(d *detectors.Detector) { d.Watch = nil }},
		{"StartsOn is empty", func(d *detectors.Detector) { d.StartsOn = 0 }},
		{"Doc.Title is empty", func(d *detectors.Detector) { d.Doc.Title = "" }},
		{"Absence 9", func(d *detectors.Detector) { d.Absence = 9 }},
		{"Outcomes is empty", func(d *detectors.Detector) { d.Outcomes = nil }},
		{"Outcomes holds nil at 1", func(d *detectors.Detector) { d.Outcomes = []*detectors.Outcome{outcome("a"), nil} }},
		{`Outcomes "A" is not in kebab-case`, func(d *detectors.Detector) { d.Outcomes = []*detectors.Outcome{outcome("A")} }},
		{`Outcomes "a" is declared twice`, func(d *detectors.Detector) { d.Outcomes = []*detectors.Outcome{outcome("a"), outcome("a")} }},
		{`Outcomes gives "a" a severity of 3`, func(d *detectors.Detector) { d.Outcomes = []*detectors.Outcome{{Name: "a", Severity: 3}} }},
		{`Params "x y" is not in kebab-case`, func(d *detectors.Detector) { d.Params = []detectors.Param{{Name: "x y"}} }},
		{"Params x: the default 3 does not lie between 0 and 2", func(d *detectors.Detector) { d.Params = []detectors.Param{{Name: "x", Default: 3, Max: 2}} }},
		{`YieldsTo names "no-such"`, func(d *detectors.Detector) { d.YieldsTo = []string{"no-such"} }},
		{`YieldsTo names "zero-window-probe-loop"`, func(d *detectors.Detector) { d.YieldsTo = []string{d.Name} }},
	} {
		d := *flowcontrol.ZeroWindowProbeLoop
		c.change(&d)
		if err := detectors.Validate([]*detectors.Detector{&d}); err == nil || !strings.Contains(err.Error(), "detector "+d.Name+": "+c.want) {
			t.Errorf("%v, want an error that says %q", err, c.want)
		}
	}
	d := flowcontrol.ZeroWindowProbeLoop
	for want, all := range map[string][]*detectors.Detector{`two detectors have the Name "zero-window-probe-loop"`: {d, d}, "detector 2 of 2 is nil": {d, nil}} {
		if err := detectors.Validate(all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error that says %q", err, want)
		}
	}
	yields := *d
	yields.YieldsTo = []string{"reset-cause"}
	if err := detectors.Validate([]*detectors.Detector{&yields}, catalogue.All...); err != nil {
		t.Errorf("it yields to a detector that is known, and does not run: %v", err)
	}
}
