// Package cli is the command: flags in, exit status out.
package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/excerpt"
	"github.com/tcptrace-go/tcptrace/internal/host"
	"github.com/tcptrace-go/tcptrace/internal/names"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sockets"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/samples"
)

// Env is the command's environment.
type Env struct {
	Args      []string
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	Detectors []*detectors.Detector
	// Confine lets the command give up rights of the process for good.
	Confine bool
}

// The exit statuses.
const (
	exitClean  = 0
	exitFound  = 1
	exitFailed = 2
)

// Run does what the arguments say and returns the exit status.
func Run(env Env) int {
	if err := enoughFiles(); err != nil {
		fmt.Fprintln(env.Stderr, "tcptrace:", err)
		return exitFailed
	}
	if slices.Equal(env.Args, []string{host.Argument}) {
		if err := host.Serve(env.Stdin, env.Stdout); err != nil {
			fmt.Fprintln(env.Stderr, "tcptrace: --processes:", err)
			return exitFailed
		}
		return exitClean
	}
	f, groups, err := parse(env.Args)
	c := command{env: env, flags: f}
	if err != nil {
		c.complain(fmt.Errorf("%w (see --help)", err))
		return exitFailed
	}
	if err := detectors.Validate(env.Detectors); err != nil {
		c.complain(err)
		return exitFailed
	}
	if err := c.run(groups); err != nil {
		c.complain(err)
	}
	switch {
	case c.failed:
		return exitFailed
	case c.found:
		return exitFound
	}
	return exitClean
}

// command is one run.
type command struct {
	env    Env
	flags  *flags
	failed bool // some of the work could not be done
	found  bool // something at or above --fail-on was found

	guard      output.Guard // protects everything that is read
	inputs     *inputs
	filter     *frameFilter
	anonymizer *anonymizer
	baseline   baseline
	sockets    []*sockets.Log
	names      names.Table
	allFlows   bool            // the report lists every connection
	skip       map[string]bool // detectors of several taps that were not chosen
	plan       *taps.Plan      // of captures from several places; nil if there is one

	timeline *timeline        // of the connection of --flow
	strip    *waits.Strip     // what it waited for
	excerpt  *excerpt.Excerpt // the same, for --format scenario
	rows     []result.Flow    // of it, and of its successors on the same four-tuple
}

// run does what the flags ask for.
func (c *command) run(groups []group) (err error) {
	f, w, all := c.flags, c.env.Stdout, c.known()
	if c.anonymizer, err = newAnonymizer(f); err != nil {
		return err
	}
	if c.toStdout() {
		if err := closedOutput(c.env.Stdout, c.env.Stderr); err != nil {
			return err
		}
	}
	switch {
	case f.help:
		return usage(w, groups)
	case f.version:
		_, err := fmt.Fprintln(w, "tcptrace", Version())
		return err
	case f.complete != "":
		return completion(w, f.complete, groups, all)
	case f.manual:
		return manPage(w, groups, all)
	case f.list:
		return report.List(w, all, c.reportOptions())
	case f.explain != "":
		d := findDetector(all, f.explain)
		if d == nil {
			return fmt.Errorf("--explain: unknown detector %q (see --list)", f.explain)
		}
		return report.Explain(w, d, samples.Text(d.Name), c.reportOptions())
	case f.ifaces:
		return listInterfaces(w)
	case len(f.interfaces) > 1:
		return c.sniffSeveral()
	case f.iface != "":
		return c.sniff()
	case len(f.files) == 0:
		return errors.New("no input: give a capture file, or - for standard input (see --help)")
	}
	if err := c.folders(); err != nil {
		return err
	}
	if f.shards != 0 {
		return c.split()
	}
	return c.analyse()
}

// begin does what live captures and files have in common. After it, inputs are safe from
// being overwritten.
func (c *command) begin(o *engine.Options) (err error) {
	if err := c.limitMemory(); err != nil {
		return err
	}
	if c.flags.iface == "" {
		delayCollection()
	}
	c.anonymizer.apply(o)
	if err := c.protectInputs(); err != nil {
		return err
	}
	c.filter, err = newFrameFilter(c.flags)
	return err
}

// complain prints an error on a line, joined errors on a line each, and makes the
// exit status 2.
func (c *command) complain(err error) {
	if joined, is := err.(interface{ Unwrap() []error }); is {
		for _, err := range joined.Unwrap() {
			c.complain(err)
		}
		return
	}
	c.failed = true
	c.note("tcptrace:", err.Error())
}

func (c *command) check(err error) {
	if err != nil {
		c.complain(err)
	}
}

// warn prints a warning, unless -q is set.
func (c *command) warn(format string, args ...any) {
	if !c.flags.quiet {
		c.note("tcptrace: warning:", fmt.Sprintf(format, args...))
	}
}

// mention prints a message if -v is set.
func (c *command) mention(format string, args ...any) {
	if c.flags.verbose {
		c.note("tcptrace:", fmt.Sprintf(format, args...))
	}
}

func (c *command) note(prefix, text string) {
	fmt.Fprintln(c.env.Stderr, prefix, report.Clean(c.anonymizer.text(text)))
}

// version is set by release builds (.ci/dist).
var version string

// Version is the release, or the module's version as the build knows it.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
