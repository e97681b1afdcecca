// Package cli is the command: flags in, exit status out.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
	"github.com/tcptrace-go/tcptrace/samples"
)

// Env is the world as the command sees it.
type Env struct {
	Args      []string
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	Detectors []*detectors.Detector
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
func (c *command) tellDamage(inputs []capture.Info, told []result.Capture) {
	for i, in := range inputs {
		if in.Format == "" { // complained of when it was opened
			continue
		}
		for _, w := range told[i].Warnings {
			c.warn(in.File + ": " + w)
		}
		if in.Err != nil && in.Packets == 0 {
			c.failed = true
		}
	}
}

// options are the engine's settings for this run, and the format of its output.
func (c *command) options() (*engine.Options, *format, error) {
	f := c.flags
	form, err := chooseFormat(f.format, f.output)
	if err != nil {
		return nil, nil, err
	}
	o := &engine.Options{MaxFlows: f.maxFlows, Workers: f.workers, AllFlows: f.flows || f.states || form.name == "html", VerifyChecksums: f.checksums}
	if o.Detectors, err = chooseDetectors(c.env.Detectors, f.detect); err != nil {
		return nil, nil, err
	}
	if o.Settings, err = settings(c.env.Detectors, f); err != nil {
		return nil, nil, err
	}
	if f.flow != "" {
		if err := c.follow(o, form); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case f.states && form.name != "text" && form.name != "json":
		return nil, nil, fmt.Errorf("--states is printed as text or json, not as %s", form.name)
	}
	if f.at != "" {
		if o.Until, err = c.parseAt(f.at); err != nil {
			return nil, nil, err
		}
	}
	return o, form, nil
}

// parseAt reads the time of --at: RFC 3339, or seconds from the first frame,
// for which the captures are opened once.
func (c *command) parseAt(at string) (int64, error) {
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
		return max(t.UnixNano(), 1), nil // 0 would mean the end
	}
	d, err := strconv.ParseFloat(at, 64)
	if err != nil || !(d >= 0 && d <= 1e9) {
		return 0, fmt.Errorf("--at %q: want a time as 2006-01-02T15:04:05Z (from 1970 to 2261), or +SECONDS from the first frame", at)
	}
	for _, name := range c.flags.files {
		if !isFile(name) {
			return 0, errors.New("--at +SECONDS needs files: standard input and pipes cannot be read twice")
		}
	}
	trace, _ := capture.OpenTrace(c.flags.files, capture.Options{Text: scenario.Pcapng})
	defer trace.Close()
	var fr capture.Frame
	if err := trace.Next(&fr); err != nil {
		return 0, errors.New("--at +SECONDS: there is no first frame")
	}
	return fr.At + int64(d*float64(time.Second)), nil
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

// endpoints are the sockets of both hosts. A host has one socket for each
// four-tuple: a connection that came after the end of another took its place,
// TIME_WAIT or not (RFC 9293 3.6.1).
func (c *command) endpoints(r *result.Report) []report.Endpoint {
	type socket struct{ local, foreign reassembly.Endpoint }
	began := map[socket]int64{} // the newest connections
	for i := range r.Flows {
		fl := &r.Flows[i]
		for side := range reassembly.Side(2) {
			if isShown(fl.State[side].String(), false) {
				began[socket{fl.End[side], fl.End[side.Peer()]}] = fl.First
			}
		}
	}
	var list []report.Endpoint
	for i := range r.Flows {
		fl := &r.Flows[i]
		for side := range reassembly.Side(2) {
			replaced := began[socket{fl.End[side], fl.End[side.Peer()]}] > fl.Last
			if !replaced && isShown(fl.State[side].String(), c.flags.all) {
				list = append(list, report.Endpoint{Flow: fl.ID, Local: fl.End[side], Foreign: fl.End[side.Peer()],
					State: fl.State[side], Since: fl.Since[side], Bounded: fl.Bounded[side]})
			}
		}
	}
	return list
}

// isShown: CLOSED only if asked for, LISTEN never: a tap does not see it.
func isShown(state string, all bool) bool {
	return state != "LISTEN" && (all || state != "CLOSED")
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
	return false
}

// Version is the module's version as the build knows it.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
