package shard_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// open opens files as one trace.
func open(t testing.TB, files ...string) source.Trace {
	t.Helper()
	trace, errs := source.Open(files, capture.Options{Text: scenario.Pcapng})
	for _, err := range errs {
		t.Fatal(err)
	}
	t.Cleanup(func() { trace.Close() })
	return trace
}

func runSplit(t testing.TB, s shard.Split, files ...string) (shard.Summary, error) {
	t.Helper()
	trace := open(t, files...)
	ctx := context.Background()
	return s.Run(ctx, trace.Infos(), source.Segments(ctx, trace, &s.Engine))
}

// split splits files and returns the shards.
func split(t testing.TB, s shard.Split, files ...string) []string {
	t.Helper()
	s.Dir = cmp.Or(s.Dir, filepath.Join(t.TempDir(), "shards"))
	if _, err := runSplit(t, s, files...); err != nil {
		t.Fatal(err)
	}
	shards, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
	if len(shards) != s.Shards {
		t.Fatalf("%d shards are there, want %d: %q", len(shards), s.Shards, shards)
	}
	return shards
}

// reportOf is the JSON report with all connections.
func reportOf(t testing.TB, files ...string) []byte {
	t.Helper()
	return reportWith(t, engine.Options{Workers: 1}, files...)
}

// analyse analyses files.
func analyse(t testing.TB, files ...string) *result.Report {
	t.Helper()
	return source.Run(context.Background(), open(t, files...), engine.Options{Detectors: catalogue.All})
}

func reportWith(t testing.TB, o engine.Options, files ...string) []byte {
	t.Helper()
	o.Detectors, o.AllFlows = catalogue.All, true
	trace := open(t, files...)
	return jsonOf(t, trace, source.Run(context.Background(), trace, o))
}

// jsonOf is a report as JSON with all connections.
func jsonOf(t testing.TB, trace source.Trace, r *result.Report) []byte {
	t.Helper()
	docs := func(slug string) *detectors.Detector {
		all := slices.Concat(catalogue.All, joint.Detectors)
		return all[slices.IndexFunc(all, func(d *detectors.Detector) bool { return d.Name == slug })]
	}
	var b bytes.Buffer
	if err := report.JSON(&b, r, report.Options{Flows: true, Docs: docs, RawTime: trace.RawTime}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A message is a decoded report.
type message struct {
	Captures, Trace, Notes json.RawMessage
	Totals                 map[string]any
	Flows, Findings        []json.RawMessage
}

func read(t testing.TB, text []byte) (m message) {
	t.Helper()
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// checkSame splits files. It checks that all shards together give the same report
// as the files, and one by one the same findings and connections.
func checkSame(t *testing.T, n int, files ...string) {
	t.Helper()
	checkSameOf(t, n, reportOf, func(t testing.TB, n int, files ...string) []string { return split(t, shard.Split{Shards: n}, files...) }, files...)
}

// checkSameOf is checkSame for another way to analyse files, and to split them.
func checkSameOf(t *testing.T, n int, reportOf func(testing.TB, ...string) []byte, split func(testing.TB, int, ...string) []string, files ...string) {
	t.Helper()
	want := reportOf(t, files...)
	shards := split(t, n, files...)
	if got := reportOf(t, shards...); !bytes.Equal(want, got) {
		t.Errorf("%d shards report\n%s\nwant\n%s", n, got, want)
	}
	slices.Reverse(shards)
	if got := reportOf(t, shards...); !bytes.Equal(want, got) {
		t.Errorf("%d shards have another report in another order", n)
	}
	all, sum := read(t, want), message{Totals: map[string]any{}}
	for _, s := range shards {
		one := read(t, reportOf(t, s))
		if !bytes.Equal(one.Captures, all.Captures) || !bytes.Equal(one.Trace, all.Trace) || !bytes.Equal(one.Notes, all.Notes) && !bytes.Contains(all.Notes, []byte("no-tcp")) {
			t.Errorf("%s says about the trace\n%s %s %s, want\n%s %s %s", s, one.Captures, one.Trace, one.Notes, all.Captures, all.Trace, all.Notes)
		}
		sum.Flows = append(sum.Flows, one.Flows...)
		sum.Findings = append(sum.Findings, one.Findings...)
		add(sum.Totals, one.Totals)
	}
	sameSet(t, "connection", all.Flows, sum.Flows)
	sameSet(t, "finding", withoutRefuted(all.Findings, all.Findings), withoutRefuted(all.Findings, sum.Findings))
	total := map[string]any{}
	add(total, all.Totals)
	if a, b := fmt.Sprint(total), fmt.Sprint(sum.Totals); a != b {
		t.Errorf("the totals of the shards add up to %s, want %s", b, a)
	}
}

// add adds up numbers, also in nested objects.
func add(sum, n map[string]any) {
	for name, v := range n {
		switch v := v.(type) {
		case float64:
			if old, _ := sum[name].(float64); old+v != 0 {
				sum[name] = old + v
			}
		case map[string]any:
			if sum[name] == nil {
				sum[name] = map[string]any{}
			}
			add(sum[name].(map[string]any), v)
		}
	}
}

// withoutRefuted leaves out the findings that are undecided because of a finding of another connection, which another shard may
// hold.
func withoutRefuted(all, findings []json.RawMessage) []json.RawMessage {
	type finding struct{ ID, Outcome, Verdict, Scope string }
	parse := func(text json.RawMessage) (f finding) {
		if err := json.Unmarshal(text, &f); err != nil {
			panic(err)
		}
		return f
	}
	refuted := map[string]bool{}
	for _, text := range all {
		f := parse(text)
		refuted[f.ID] = (f.Outcome == "peer-unaware" || f.Outcome == "slow-answer" || f.Outcome == "slow-ack") && f.Verdict == "undecided" && f.Scope == "other-connection"
	}
	return slices.DeleteFunc(slices.Clone(findings), func(text json.RawMessage) bool { return refuted[parse(text).ID] })
}

func sameSet(t *testing.T, what string, want, got []json.RawMessage) {
	t.Helper()
	count := map[string]int{}
	for _, w := range want {
		count[string(w)]++
	}
	for _, g := range got {
		count[string(g)]--
	}
	for text, n := range count {
		switch {
		case n > 0:
			t.Errorf("one by one, this %s is missing: %s", what, text)
		case n < 0:
			t.Errorf("one by one, there is this %s: %s", what, text)
		}
	}
}

// TestSplit: shards of every scenario of the repository give the report of its
// capture.
func TestSplit(t *testing.T) {
	for _, file := range scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../metamorphic/testdata/*.txtar", "../cli/testdata/traces/*.txtar", "../engine/testdata/interrupted.txtar", "../engine/testdata/translated.txtar") {
		t.Run(filepath.Base(file.Name), func(t *testing.T) {
			dir := t.TempDir()
			for i, trace := range file.Traces {
				if race.Leaves(i) {
					continue
				}
				packets, err := trace.Pcapng()
				if err != nil {
					t.Fatal(err)
				}
				capture := filepath.Join(dir, fmt.Sprintf("%d.pcapng", i))
				if err := os.WriteFile(capture, packets, 0o600); err != nil {
					t.Fatal(err)
				}
				checkSame(t, []int{1, 3, 7}[(i+i/3)%3], capture)
			}
			if len(file.Traces) == 1 {
				checkSame(t, 64, file.Name)
			}
		})
	}
}

// A split that fails, or would write to a directory with shards, leaves no files.
func TestSplit_refuses(t *testing.T) {
	sample := "../../samples/unretransmitted-fin.txtar"
	for name, c := range map[string]struct {
		s    shard.Split
		want string
	}{
		"too many": {shard.Split{Dir: "x", Shards: 4097}, "4097 shards: between 1 and 4096 can be written"},
		"none":     {shard.Split{Dir: "x"}, "0 shards: between 1"},
		"there":    {shard.Split{Dir: ".", Shards: 2}, "shard-000 exists already: remove the shards in this directory, or use another one"},
		"a file":   {shard.Split{Dir: "file", Shards: 2}, "file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := cmp.Or(os.WriteFile(dir+"/shard-000", nil, 0o600), os.WriteFile(dir+"/file", nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			before := list(t, dir)
			c.s.Dir = filepath.Join(dir, c.s.Dir)
			_, err := runSplit(t, c.s, sample)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if after := list(t, dir); after != before {
				t.Errorf("there are now %s, and there were %s", after, before)
			}
		})
	}
}

func list(t *testing.T, dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(entries)
}
