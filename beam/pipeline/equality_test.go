package pipeline

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/memfs"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/parquet-go/parquet-go"

	"github.com/tcptrace-go/tcptrace/beam/internal/table"
	"github.com/tcptrace-go/tcptrace/beam/internal/worker"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

func TestMain(m *testing.M) {
	flag.Parse()
	beam.Init()
	if !testing.Verbose() {
		slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	}
	if worker.Wanted() {
		os.Exit(runWorker())
	}
	if what := os.Getenv(child); what != "" {
		if err := runChild(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// run runs one pipeline for each of the options, all in one job, on Prism.
func run(t *testing.T, all ...Options) beam.PipelineResult {
	t.Helper()
	return runOn(t, prism.Execute, all...)
}

// runOn runs the pipelines on a runner.
func runOn(t *testing.T, execute func(context.Context, *beam.Pipeline) (beam.PipelineResult, error), all ...Options) beam.PipelineResult {
	t.Helper()
	p, s := beam.NewPipelineWithRoot()
	for i, o := range all {
		if err := Prepare(t.Context(), o, false); err != nil {
			t.Fatal(err)
		}
		Add(s.Scope(fmt.Sprint(i)), o)
	}
	r, err := execute(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// single is the result of one process: the lines of ndjson without connections, and
// the connections.
func single(t *testing.T, o Options, files []string) (lines, summary []byte, rows []table.Row) {
	t.Helper()
	lines, summary, rows, err := analyse(o, files)
	if err != nil {
		t.Fatal(err)
	}
	return lines, summary, rows
}

func analyse(o Options, files []string) (lines, summary []byte, rows []table.Row, err error) {
	trace, _ := capture.OpenTrace(files, capture.Options{Text: scenario.Pcapng})
	defer trace.Close()
	e, err := o.engine()
	if err != nil {
		return nil, nil, nil, err
	}
	e.AllFlows = true
	e.Coverage = coverage(files)
	return render(o, engine.Run(context.Background(), trace, e), trace.RawTime)
}

// render is what the pipeline writes of a report.
func render(o Options, r *result.Report, raw func(file uint16, frame uint32, at int64) int64) (lines, summary []byte, rows []table.Row, err error) {
	for i := range r.Flows {
		rows = append(rows, table.RowOf(&r.Flows[i]))
	}
	r.Flows = nil
	var buf bytes.Buffer
	if err := report.NDJSON(&buf, r, report.Options{Version: o.Version, Docs: find, RawTime: raw}); err != nil {
		return nil, nil, nil, err
	}
	all := buf.Bytes()
	last := bytes.LastIndexByte(all[:len(all)-1], '\n') + 1
	return all[:last], all[last:], rows, nil
}

// coverage is when each file was captured, as the command finds out before it analyses them.
func coverage(files []string) []stats.Coverage {
	trace, _ := capture.OpenTrace(files, capture.Options{Text: scenario.Pcapng})
	defer trace.Close()
	var fr capture.Frame
	for trace.Next(&fr) == nil {
	}
	var all []stats.Capture
	for _, info := range trace.Infos() {
		all = append(all, info.Capture)
	}
	return stats.Coverages(all, stats.Rotations(all))
}

// same checks that the output of a pipeline is the same as that of one process.
func same(t *testing.T, o Options, files []string) {
	t.Helper()
	lines, summary, rows := single(t, o, files)
	checkAll(t, o, lines, summary, rows)
}

// checkAll checks all files of the output.
func checkAll(t *testing.T, o Options, lines, summary []byte, rows []table.Row) {
	t.Helper()
	check(t, o.Output, FindingsFile, lines)
	check(t, o.Output, ReportFile, summary)
	have := readTable(t, o.Output)
	for i := range rows {
		if i >= len(have) || fmt.Sprint(plain(rows[i])) != fmt.Sprint(plain(have[i])) {
			t.Errorf("connection %d of %d and %d is not the same: want\n%+v", i+1, len(rows), len(have), rows[i])
			if i < len(have) {
				t.Errorf("have\n%+v", have[i])
			}
			return
		}
	}
	if len(have) != len(rows) {
		t.Errorf("%d connections, want %d", len(have), len(rows))
	}
	if left, _ := filepath.Glob(filepath.Join(o.Output, workFolder, "*")); len(left) > 0 {
		t.Errorf("%d files are left over", len(left))
	}
}

// plain is a row in a form that can be compared.
func plain(r table.Row) any {
	rtt := 0.0
	if r.RTT != nil {
		rtt = *r.RTT
	}
	r.RTT = nil
	return []any{r, rtt}
}

func check(t *testing.T, folder, name string, want []byte) {
	t.Helper()
	have, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Error(err)
		return
	}
	if bytes.Equal(have, want) {
		return
	}
	h, w := strings.Split(string(have), "\n"), strings.Split(string(want), "\n")
	for i := range w {
		if i >= len(h) || h[i] != w[i] {
			t.Errorf("%s has %d lines, want %d; line %d is\n%s\nwant\n%s", name, len(h), len(w), i+1, strings.Join(h[i:min(i+1, len(h))], ""), w[i])
			return
		}
	}
	t.Errorf("%s has %d lines, want %d", name, len(h), len(w))
}

func readTable(t *testing.T, folder string) (rows []table.Row) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(folder, ConnectionsGlob))
	slices.Sort(names)
	for _, name := range names {
		part, err := parquet.ReadFile[table.Row](name)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, part...)
	}
	return rows
}

func samples(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob("../../samples/*.pcapng")
	if len(files) < 10 {
		t.Fatalf("%d samples", len(files))
	}
	return files
}

// Every sample by itself.
func TestSamples(t *testing.T) {
	var all []Options
	for _, file := range samples(t) {
		all = append(all, Options{Inputs: []string{file}, Output: filepath.Join(t.TempDir(), filepath.Base(file)), Version: "1.2.3"})
	}
	for some := range slices.Chunk(all, 10) { // a job of hundreds of steps is slow
		run(t, some...)
	}
	for _, o := range all {
		same(t, o, o.Inputs)
	}
}

// All samples as one trace: they use one another's four-tuples, days apart.
func TestSamples_together(t *testing.T) {
	o := Options{Inputs: samples(t), Output: t.TempDir(), Range: 10}
	run(t, o)
	same(t, o, o.Inputs)
}
