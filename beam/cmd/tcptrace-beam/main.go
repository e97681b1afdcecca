// Tcptrace-beam analyses captures of many machines as one trace, on a runner of
// Apache Beam. docs/scale-out.md describes when and how to use it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/gcs"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/flink"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal"

	"github.com/tcptrace-go/tcptrace/beam/internal/worker"
	"github.com/tcptrace-go/tcptrace/beam/pipeline"
	"github.com/tcptrace-go/tcptrace/internal/engine"
)

// words is a flag that can be repeated.
type words []string

func (w *words) String() string     { return strings.Join(*w, ",") }
func (w *words) Set(s string) error { *w = append(*w, s); return nil }

func main() {
	var o pipeline.Options
	flag.Var((*words)(&o.Inputs), "input", "capture `files` to read, as one trace; a pattern, may be repeated")
	var taps words
	flag.Var(&taps, "tap", "`NAME=FILES[,FILES]`: captures of the same connections from one place; repeat it for each place")
	flag.StringVar(&o.Output, "output", "", "`folder` to write the report to")
	flag.StringVar(&o.Detect, "detect", "", "`list` of detectors: a,b only these; -a,-b all but these")
	flag.Var((*words)(&o.Set), "set", "`slug.param=value` changes a threshold; may be repeated")
	flag.DurationVar(&o.TimeWait, "time-wait", engine.DefaultTimeWait, "how long TIME_WAIT lasts")
	replace := flag.Bool("replace", false, "overwrite a report in the folder")
	flag.Parse()
	beam.Init() // does not return in the worker of a container
	ctx := context.Background()
	err := addTaps(&o, taps)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tcptrace-beam:", err)
		os.Exit(2)
	}
	if worker.Wanted() {
		err = worker.Run(ctx)
	} else {
		err = run(ctx, o, *replace)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tcptrace-beam:", err)
		os.Exit(2)
	}
}

// addTaps reads the values of --tap.
func addTaps(o *pipeline.Options, values []string) error {
	for _, v := range values {
		name, list, is := strings.Cut(v, "=")
		if !is || name == "" || list == "" {
			return fmt.Errorf("--tap %q: want NAME=FILES[,FILES]", v)
		}
		o.Taps = append(o.Taps, pipeline.Tap{Name: name, Inputs: strings.Split(list, ",")})
	}
	return nil
}

func run(ctx context.Context, o pipeline.Options, replace bool) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("%q: use --input to name inputs", flag.Arg(0))
	}
	if err := pipeline.Prepare(ctx, o, replace); err != nil {
		return err
	}
	o.Version = version()
	p, s := beam.NewPipelineWithRoot()
	pipeline.Add(s, o)
	runner := *runners.Runner
	if runner == "" {
		runner = "prism"
	}
	if self, err := os.Executable(); err == nil && runtime.GOOS == "linux" && *jobopts.WorkerBinary == "" && !jobopts.IsLoopback() {
		*jobopts.WorkerBinary = self // static: it runs in containers, and need not be compiled again
	}
	start := time.Now()
	result, err := beam.Run(ctx, runner, p)
	if err != nil {
		return err
	}
	printMetrics(result, time.Since(start))
	return nil
}

// version is the version of tcptrace in the build.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/tcptrace-go/tcptrace" && d.Replace == nil {
				return d.Version
			}
		}
	}
	return "devel"
}

// printMetrics prints the metrics, if the runner has them.
func printMetrics(result beam.PipelineResult, took time.Duration) {
	fmt.Fprintf(os.Stderr, "tcptrace-beam: done in %.1f s\n", took.Seconds())
	if result == nil {
		return
	}
	all := result.Metrics().Query(func(r beam.MetricResult) bool { return r.Namespace() == pipeline.Namespace })
	for _, c := range all.Counters() {
		fmt.Fprintf(os.Stderr, "  %s: %d\n", c.Name(), c.Result())
	}
	for _, d := range all.Distributions() {
		v := d.Result()
		fmt.Fprintf(os.Stderr, "  %s: %d, of %d to %d, %d in all\n", d.Name(), v.Count, v.Min, v.Max, v.Sum)
	}
}
