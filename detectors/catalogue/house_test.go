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
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// What a detector must be and have, so that the next one cannot be half done.
// Failures are sentences for whoever adds it.

func TestHouse_valid(t *testing.T) {
	if err := detectors.Validate(catalogue.All); err != nil {
		t.Error(err)
	}
}

// The file of a detector is named after it, and every detector is in All.
func TestHouse_listed(t *testing.T) {
	listed := map[string]bool{} // by file
	for _, d := range catalogue.All {
		file := strings.ReplaceAll(d.Name, "-", "_") + ".go"
		listed[file] = true
		if found, _ := filepath.Glob("../*/" + file); len(found) != 1 {
			t.Errorf("the detector %s belongs into detectors/FAMILY/%s, which there is not", d.Name, file)
		}
	}
	for variable, file := range detectorVariables(t) {
		if !listed[file] {
			t.Errorf("the detector %s of %s is not in All (list.go), or its file is not named after it", variable, file)
		}
	}
	if n, vars := len(catalogue.All), len(detectorVariables(t)); n != vars {
		t.Errorf("All holds %d detectors, the package declares %d", n, vars)
	}
}

// detectorVariables finds the package's variables that are &Detector{...}, with
// their files.
func detectorVariables(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, v := range spec.Values {
				u, ok := v.(*ast.UnaryExpr)
				if !ok {
					continue
				}
				if c, ok := u.X.(*ast.CompositeLit); ok && types.ExprString(c.Type) == "detectors.Detector" {
					found[spec.Names[i].Name] = filepath.Base(file)
				}
			}
			return true
		})
	}
	return found
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
		if file := "../../samples/" + d.Name + ".txtar"; !slices.ContainsFunc(wants(parseFile(t, file)), about) {
			t.Errorf("%s does not want %s", file, d.Name)
		}
		lookalikes, _ := filepath.Glob("../../samples/" + d.Name + ".not-*.txtar")
		if len(lookalikes) == 0 {
			t.Errorf("there is no samples/%s.not-WHY.txtar, a look-alike that must leave it silent", d.Name)
		}
		for _, file := range lookalikes {
			if slices.ContainsFunc(wants(parseFile(t, file)), about) {
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

// A sample that is another's twin tells nothing; neither does a scenario.
func TestHouse_twins(t *testing.T) {
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
			if twin, is := seen[b.String()]; is {
				t.Errorf("%s is the same trace as %s", name, twin)
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
				t.Errorf("%s: the finding starts at %d, ends at %d and was told at %d; its anchor is at %d",
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
