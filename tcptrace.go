// Package tcptrace analyses captures of TCP connections. It rebuilds the state of
// both ends of each connection and reports what went wrong, which host is
// responsible and which frames prove it.
//
// Programs call [Analyze], or [AnalyzePackets] with a handle of gopacket. To build the command with additional detectors, write a
// module whose main function calls [Main]. A detector needs only the packages
// detectors, fsm and reassembly.
package tcptrace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/cli"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// Options are the settings of Analyze. The zero value has all defaults.
type Options struct {
	// Detectors are run in this order; nil runs catalogue.All.
	Detectors []*detectors.Detector
	// Settings are the thresholds and the duration of TIME_WAIT; nil for the
	// defaults, with 60 s of TIME_WAIT.
	Settings *detectors.Settings
	// MaxFlows is how many connections are tracked at a time; 0 means 1,000,000.
	MaxFlows int
	// Workers is the number of goroutines that analyse connections; 0 chooses.
	// The report does not depend on it.
	Workers int
	// AllFlows lists all connections in the report, not only those with findings.
	AllFlows bool
	// Taps are captures of the same connections from different places; their files come
	// before those that Analyze is given. Without it, such captures are recognised by
	// the segments that they have in common.
	Taps []NamedTap
	// Each says that the files have nothing to do with each other: each is analysed by
	// itself. It excludes Taps.
	Each bool
}

// Analyze analyses the named captures as one trace, merged by time, or, if they hold the
// same segments at different times, as captures from several places, see [Options]. "-"
// is standard input.
//
// A detector with a bad declaration is an error that names the detector and the
// field, and there is no report. All other errors are about parts of the work, and
// the report covers the rest: files that cannot be opened, damaged files (file,
// offset and reason), outcomes that a detector did not declare, and ctx.Err() if
// ctx ended before all captures were read. Errors are joined with errors.Join.
func Analyze(ctx context.Context, o Options, files ...string) (*Report, error) {
	return analyze(ctx, o, os.Stdin, files...)
}

// analyze is Analyze with a standard input.
func analyze(ctx context.Context, o Options, stdin io.Reader, files ...string) (*Report, error) {
	if o.MaxFlows < 0 || o.Workers < 0 {
		return nil, fmt.Errorf("options: MaxFlows is %d and Workers is %d, but neither may be negative", o.MaxFlows, o.Workers)
	}
	files, to, skip, err := o.plan(files)
	if err != nil {
		return nil, err
	}
	if o.Detectors == nil {
		o.Detectors = catalogue.All
	}
	if err := detectors.Validate(o.Detectors, catalogue.All...); err != nil {
		return nil, err
	}
	settings := detectors.Settings{} // a copy: the engine sets defaults
	if o.Settings != nil {
		settings = *o.Settings
	}
	eo := engine.Options{
		Detectors: o.Detectors, Settings: &settings, MaxFlows: o.MaxFlows, Workers: o.Workers, AllFlows: o.AllFlows,
	}
	plan, err := source.Recognise(ctx, files, capture.Options{Text: scenario.Pcapng}, &eo, to)
	if err != nil {
		return nil, err
	}
	if plan != nil {
		plan.Skip = skip
		eo.Points = plan.Points()
	}
	trace, errs := source.Open(files, capture.Options{Stdin: stdin, Text: scenario.Pcapng})
	defer trace.Close()
	r, _ := source.RunPlan(ctx, trace, files, eo, plan)
	for _, info := range trace.Infos() {
		var damage *capture.Damage
		if errors.As(info.Err, &damage) {
			errs = append(errs, info.Err)
		}
	}
	return newReport(r), errors.Join(append(errs, r.Err, ctx.Err())...)
}

// Main runs the tcptrace command with additional detectors, on os.Args. It returns
// the exit status: 0 no findings, 1 findings, 2 some of the work could not be done.
func Main(extra ...*detectors.Detector) int {
	return cli.Run(cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Detectors: slices.Concat(catalogue.All, extra), Confine: true,
	})
}
