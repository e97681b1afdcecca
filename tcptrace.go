// Package tcptrace analyses captures of TCP connections: it rebuilds what both
// ends knew and says what went wrong, which host did it and which frames prove
// it.
//
// Programs call [Analyze]. A build of the command with detectors of one's own
// is a Go module with a main of ten lines that calls [Main]; a detector needs
// only the packages detectors, fsm and reassembly.
package tcptrace

import (
	"context"
	"errors"
	"os"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/cli"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// What an analysis found.
type (
	Report  = result.Report
	Finding = result.Finding
	Flow    = result.Flow
	Capture = result.Capture
	Totals  = result.Totals
)

// Options are the settings of Analyze; the zero value serves.
type Options struct {
	// Detectors are those to run, in the order of their findings; nil for
	// detectors.All.
	Detectors []*detectors.Detector
	// Settings are thresholds and how long TIME_WAIT lasts; nil for defaults.
	Settings *detectors.Settings
	// MaxFlows bounds the connections held at a time; 0 for 1,000,000.
	MaxFlows int
	// Workers is how many goroutines judge; 0 to choose. It never shows in
	// the report.
	Workers int
	// AllFlows lists every connection in the report, not only those with
	// findings.
	AllFlows bool
}

// Analyze reads the named captures as one trace and judges it. The report holds
// whatever could be done; the error joins what could not: files that cannot be
// opened, and damage (errors that name file, offset and reason). Detectors that
// declare something wrongly are an error that names detector and field, and no
// report.
func Analyze(ctx context.Context, o Options, files ...string) (*Report, error) {
	if o.Detectors == nil {
		o.Detectors = catalogue.All
	}
	if err := detectors.Validate(o.Detectors, catalogue.All...); err != nil {
		return nil, err
	}
	trace, errs := source.Open(files, capture.Options{Stdin: os.Stdin, Text: scenario.Pcapng})
	defer trace.Close()
	r := source.Run(ctx, trace, engine.Options{
		Detectors: o.Detectors, Settings: o.Settings, MaxFlows: o.MaxFlows, Workers: o.Workers, AllFlows: o.AllFlows,
	})
	for _, info := range trace.Infos() {
		var damage *capture.Damage
		if errors.As(info.Err, &damage) {
			errs = append(errs, info.Err)
		}
	}
	return r, errors.Join(append(errs, r.Err, ctx.Err())...)
}

// Main is the tcptrace command with extra detectors. It returns the exit
// status: 0 nothing found, 1 something found, 2 some work could not be done.
func Main(extra ...*detectors.Detector) int {
	all := append(append([]*detectors.Detector(nil), catalogue.All...), extra...)
	return cli.Run(cli.Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Detectors: all, Confine: true})
}
