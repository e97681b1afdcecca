// Package cli is the command: flags in, exit status out.
package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/samples"
)

// Env is the world as the command sees it.
type Env struct {
	Args      []string
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	Detectors []*detectors.Detector
	// Confine says that the process is the command's alone, which may give up
	// rights for good.
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
	f, groups, err := parse(env.Args)
	if err == nil {
		err = validate(env.Detectors)
	}
	c := command{env: env, flags: f}
	switch {
	case err != nil:
		c.complain(fmt.Errorf("%w (see --help)", err))
		return exitFailed
	case f.help:
		c.check(usage(env.Stdout, groups))
	case f.version:
		_, err := fmt.Fprintln(env.Stdout, "tcptrace", Version())
		c.check(err)
	case f.complete != "":
		c.check(completion(env.Stdout, f.complete, groups, env.Detectors))
	case f.manual:
		c.check(manPage(env.Stdout, groups, env.Detectors))
	case f.list:
		c.check(report.List(env.Stdout, env.Detectors, c.reportOptions()))
	case f.explain != "":
		c.explain()
	case f.ifaces:
		c.check(listInterfaces(env.Stdout))
	case f.iface != "":
		c.sniff()
	case f.shards != 0:
		c.split()
	default:
		c.analyse()
	}
	return c.status()
}

// command is one run.
type command struct {
	env   Env
	flags *flags
	kept  *turns        // of the connection of --flow
	rows  []result.Flow // of it, and of the heirs to its four-tuple
	paste *paste        // the same, for --format scenario

	guard    output.Guard // of what is read
	inputs   *inputs
	disguise *disguise

	failed bool // some of the work could not be done
	found  bool // something at or above --fail-on was seen
}

func (c *command) status() int {
	switch {
	case c.failed:
		return exitFailed
	case c.found:
		return exitFound
	}
	return exitClean
}

// complain tells an error that leaves work undone.
func (c *command) complain(err error) {
	c.failed = true
	fmt.Fprintln(c.env.Stderr, "tcptrace:", report.Clean(c.disguise.text(err.Error())))
}

// warn tells of something that does not.
func (c *command) warn(text string) {
	if !c.flags.quiet {
		fmt.Fprintln(c.env.Stderr, "tcptrace: warning:", report.Clean(c.disguise.text(text)))
	}
}

// mention tells what is being done, with -v.
func (c *command) mention(text string) {
	if c.flags.verbose {
		fmt.Fprintln(c.env.Stderr, "tcptrace:", report.Clean(c.disguise.text(text)))
	}
}

func (c *command) check(err error) {
	if err != nil {
		c.complain(err)
	}
}

func (c *command) explain() {
	d := findDetector(c.env.Detectors, c.flags.explain)
	if d == nil {
		c.complain(fmt.Errorf("--explain: there is no detector %q (see --list)", c.flags.explain))
		return
	}
	c.check(report.Explain(c.env.Stdout, d, samples.Text(d.Name), c.reportOptions()))
}

// tellDamage warns of what is wrong with the inputs that could be opened. One
// that is damaged before its first frame could not be read at all.
func (c *command) tellDamage(inputs []capture.Info) {
	for _, in := range inputs {
		if in.Format == "" { // complained of when it was opened
			continue
		}
		for _, w := range in.Warnings { // some begin with the name
			c.warn(in.File + ": " + strings.TrimPrefix(w, in.File+": "))
		}
		if in.Err != nil && in.Packets == 0 {
			c.failed = true
		}
	}
}

// report prints the result in the form that was asked for.
func (c *command) report(ctx context.Context, r *result.Report, o *engine.Options, form *format, rawTime func(uint16, uint32, int64) int64) error {
	ro := c.reportOptions()
	ro.RawTime = rawTime
	return c.output(func(w io.Writer) error {
		switch {
		case c.flags.states && form.name == "json":
			return report.StatesJSON(w, r.Trace.End, c.endpoints(r), ro)
		case c.flags.states:
			return report.StatesText(w, r.Trace.End, c.endpoints(r), ro)
		case form.name == "scenario":
			return c.writeScenario(ctx, w, r, o)
		case c.flags.flow != "" && form.name == "json":
			return report.FlowJSON(w, r, c.turns(ctx, r, o), ro)
		case c.flags.flow != "" && form.name == "text":
			return report.FlowText(w, r, c.turns(ctx, r, o), ro)
		case form.name == "html":
			ro.Pictures = c.pictures(ctx, r, o, ro)
		}
		return form.write(w, r, ro)
	})
}

func (c *command) reportOptions() report.Options {
	names, _ := report.ParseNames(c.flags.names)
	return report.Options{
		Names: names, Color: c.useColor(), Undecided: c.flags.undecided, Flows: c.flags.flows, Version: Version(),
		Docs: func(slug string) *detectors.Detector { return findDetector(c.env.Detectors, slug) },
	}
}

// fails says whether something at or above --fail-on was seen.
func (c *command) fails(r *result.Report) bool {
	least := detectors.Severity(slices.Index(failLevels, c.flags.failOn))
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Verdict == detectors.Seen && f.Severity >= least {
			return true
		}
	}
	return slices.ContainsFunc(r.Totals.Groups, func(g result.Group) bool {
		return g.Listed < g.N && g.Verdict == detectors.Seen && g.Severity >= least
	})
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
