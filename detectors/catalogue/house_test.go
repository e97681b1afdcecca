package catalogue_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// What a detector must be and have, so that the next one cannot be half done.
// Failures are sentences for whoever adds it.

func TestHouse_valid(t *testing.T) {
	if err := detectors.Validate(catalogue.All); err != nil {
		t.Error(err)
	}
}

// Every detector is in All, and stands in a file of its family that is named after it.
func TestHouse_listed(t *testing.T) {
	declared := declaredDetectors(t)
	for _, d := range slices.Concat(catalogue.All, taps.Detectors) {
		want := strings.ReplaceAll(d.Name, "-", "_") + ".go"
		if file := declared[d.Name]; filepath.Base(file) != want {
			t.Errorf("the detector %s belongs into detectors/FAMILY/%s, but is declared in %q", d.Name, want, file)
		}
		delete(declared, d.Name)
	}
	for name, file := range declared {
		t.Errorf("the detector %s of %s is not in All (catalogue.go)", name, file)
	}
}

// declaredDetectors finds the variables of the families that are &detectors.Detector{...}:
// the file of each, by the detector's name.
func declaredDetectors(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CompositeLit)
			if !ok || types.ExprString(c.Type) != "detectors.Detector" {
				return true
			}
			name := file // of a detector whose name is no literal
			for _, e := range c.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && types.ExprString(kv.Key) == "Name" {
					name = strings.Trim(types.ExprString(kv.Value), `"`)
				}
			}
			declared[name] = file
			return true
		})
	}
	return declared
}

// Doc says all that the reports and the documentation need.
func TestHouse_documented(t *testing.T) {
	for _, d := range catalogue.All {
		v := reflect.ValueOf(d.Doc)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("the detector %s has an empty Doc.%s", d.Name, v.Type().Field(i).Name)
			}
		}
		for _, o := range d.Outcomes {
			if o.When == "" {
				t.Errorf("%s: the outcome %s does not say when it is reported", d.Name, o.Name)
			}
		}
		for _, p := range d.Params {
			if p.Doc == "" {
				t.Errorf("%s: the parameter %s has no Doc", d.Name, p.Name)
			}
		}
	}
}

// Each detector has a sample that wants it, under its own name, and a
// look-alike that must leave it silent. Every outcome is wanted somewhere.
func TestHouse_samples(t *testing.T) {
	wanted := map[string]bool{} // SLUG:OUTCOME, in any scenario
	for _, f := range scenarioFiles(t) {
		for _, w := range wants(f) {
			wanted[w.Detector+":"+w.Outcome] = true
		}
	}
	for _, d := range catalogue.All {
		about := func(w scenario.Want) bool { return w.Detector == d.Name }
		if file := "../../samples/" + d.Name + ".txtar"; !slices.ContainsFunc(wants(scenariotest.Files(t, file)[0]), about) {
			t.Errorf("%s does not want %s", file, d.Name)
		}
		lookalikes, _ := filepath.Glob("../../samples/" + d.Name + ".not-*.txtar")
		if len(lookalikes) == 0 {
			t.Errorf("there is no samples/%s.not-WHY.txtar, a look-alike that must leave it silent", d.Name)
		}
		for _, file := range lookalikes {
			if slices.ContainsFunc(wants(scenariotest.Files(t, file)[0]), about) {
				t.Errorf("%s is to leave %s silent, but wants it", file, d.Name)
			}
		}
		for _, o := range d.Outcomes {
			if !wanted[d.Name+":"+o.Name] {
				t.Errorf("no scenario wants %s:%s", d.Name, o.Name)
			}
		}
	}
}

func wants(f *scenario.File) []scenario.Want {
	var all []scenario.Want
	for _, tr := range f.Traces {
		for i := range tr.Lines {
			all = append(all, tr.Lines[i].Wants...)
		}
	}
	return all
}

// No sample or scenario is the same trace as another.
func TestHouse_duplicates(t *testing.T) {
	seen := map[string]string{}
	for _, f := range scenarioFiles(t) {
		for i, tr := range f.Traces {
			var b strings.Builder
			for j := range tr.Lines {
				l := &tr.Lines[j]
				seg := l.Seg
				fmt.Fprintln(&b, seg, l.Captured, l.Other, l.End)
			}
			name := fmt.Sprintf("%s, trace %d", f.Name, i+1)
			if other, is := seen[b.String()]; is {
				t.Errorf("%s is the same trace as %s", name, other)
			}
			seen[b.String()] = name
		}
	}
}

// What a finding says of itself is declared: its outcome, and roles and metrics
// with names that programs can rely on.
func TestHouse_findings(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	forTraces(t, func(t *testing.T, tr *scenario.Trace) {
		for _, f := range analyse(t, tr, engine.Options{}).Findings {
			d := detectorOf(f.Detector)
			if !slices.ContainsFunc(d.Outcomes, func(o *detectors.Outcome) bool { return o.Name == f.Outcome }) {
				t.Errorf("%s reports the outcome %s, which it does not declare", f.Detector, f.Outcome)
			}
			if f.Title == "" || f.Message == "" || len(f.Evidence) == 0 || len(f.Roles) == 0 {
				t.Errorf("%s reports a finding without title, message, evidence or roles", f.Detector)
			}
			if (f.Verdict == detectors.Undecided) != (f.Reason != "") {
				t.Errorf("%s: verdict %v with reason %q: undecided findings have one, others none", f.Detector, f.Verdict, f.Reason)
			}
			if f.Start != f.Evidence[0].Seg.At || f.End < f.Start || f.At < f.Start {
				t.Errorf("%s: the finding starts at %d, ends at %d and was reported at %d; its anchor is at %d",
					f.Detector, f.Start, f.End, f.At, f.Evidence[0].Seg.At)
			}
			for _, m := range f.Metrics {
				if !snake.MatchString(m.Name) {
					t.Errorf("%s: the metric %q is not in snake_case", f.Detector, m.Name)
				}
			}
		}
	})
}

func detectorOf(name string) *detectors.Detector {
	i := slices.IndexFunc(catalogue.All, func(d *detectors.Detector) bool { return d.Name == name })
	return catalogue.All[i]
}
