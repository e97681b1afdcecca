package cli

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/waits"
)

// analyse reads the captures and reports.
func (c *command) analyse() error {
	o, form, err := c.options()
	if err != nil {
		return err
	}
	if err := c.prepare(o, form); err != nil {
		return err
	}
	defer c.inputs.close()
	c.confine(c.outputs())
	ctx, stop := interruptible(c.inputs.done)
	defer stop()
	if err := c.recognise(ctx, o, false); err != nil {
		return err
	}
	trace, err := c.open(o)
	if err != nil {
		return err
	}
	defer trace.Close()
	if err := c.findInShards(ctx, trace, o.Follow); err != nil {
		return err
	}
	if err := c.followTaps(ctx, o); err != nil {
		return err
	}
	r, streamed := c.process(ctx, trace, o, form)
	c.joinSockets(ctx, r, o)
	if o.Follow != nil {
		if err := c.single(r, o.Follow); err != nil {
			return err
		}
	}
	c.anonymizer.captures(r)
	nameTaps(r, nameBriefly)
	c.subtract(r)
	ro := c.reportOptions()
	ro.RawTime = trace.RawTime
	if streamed && form.name == "ndjson" {
		c.check(closingNDJSON(c.env.Stdout, r, ro))
	} else {
		c.check(c.output(func(w io.Writer) error { return c.report(ctx, w, r, o, form, ro) }))
	}
	c.writeFolders(ctx, r, o)
	c.looked(r)
	return nil
}

// prepare opens the inputs, and whatever may fail before they are read.
func (c *command) prepare(o *engine.Options, form *format) (err error) {
	if err := c.begin(o); err != nil {
		return err
	}
	if err := c.readSockets(o); err != nil {
		return err
	}
	if err := c.makeEvidenceDir(); err != nil {
		return err
	}
	if err := c.makeWiresharkDir(); err != nil {
		return err
	}
	twice := c.sockets != nil || c.flags.evidence != "" || c.flags.wireshark != "" || form.name == "html" || form.name == "scenario" && c.flags.flow == ""
	c.inputs, err = c.newInputs(twice)
	return err
}

// process reads the whole trace. If findings were printed as they became certain, it was streamed.
func (c *command) process(ctx context.Context, trace source.Trace, o *engine.Options, form *format) (r *result.Report, streamed bool) {
	hideBar := c.showProgress(trace)
	pipe, streams := c.streams(form, trace)
	if streams {
		r = c.stream(ctx, pipe, *o, form)
	} else if r, c.plan = source.RunPlan(ctx, trace, c.inputs.files, *o, c.plan); c.plan != nil { // what was found in a large file showed that it is needed
		o.Points = c.plan.Points()
	}
	hideBar()
	if ctx.Err() != nil {
		c.complain(errors.New("interrupted: the report covers the frames read so far"))
	}
	c.check(r.Err)
	c.complainOfInputs(trace)
	return r, streams
}

// writeFolders writes what --evidence and --wireshark ask for.
func (c *command) writeFolders(ctx context.Context, r *result.Report, o *engine.Options) {
	if c.flags.evidence != "" {
		var files []string
		for i := range r.Captures {
			files = append(files, r.Captures[i].File)
		}
		c.writeEvidence(ctx, c.framesAgain, files, r, c.evidenceOptions(o))
	}
	if c.flags.wireshark != "" {
		c.check(c.writeWireshark(ctx, r, o))
	}
}

// looked makes the exit status 2 if there was nothing to look at: that is no all-clear.
func (c *command) looked(r *result.Report) {
	if c.flags.at != "" { // before the first segment there is no socket: that is an answer
		return
	}
	for _, n := range r.Notes {
		if n.Name == engine.NoSegments {
			c.failed = true
			c.note("tcptrace:", n.Message)
		}
	}
	for i := range r.Captures {
		if x := &r.Captures[i]; slices.Contains(x.Warnings, engine.NoSegmentsInFile) {
			c.warn("%s: %s", x.File, engine.NoSegmentsInFile)
		}
	}
}

// report prints the result in the requested format.
func (c *command) report(ctx context.Context, w io.Writer, r *result.Report, o *engine.Options, form *format, ro report.Options) error {
	switch {
	case c.flags.states && form.name == "json":
		return report.StatesJSON(w, r.Trace.End, c.endpoints(r), ro)
	case c.flags.states:
		return report.StatesText(w, r.Trace.End, c.endpoints(r), ro)
	case form.name == "scenario":
		return c.writeScenario(ctx, w, r, o)
	case c.flags.flow != "" && form.name == "json":
		return report.FlowJSON(w, r, c.steps(ctx, r, o), ro)
	case c.flags.flow != "" && form.name == "text":
		return report.FlowText(w, r, c.steps(ctx, r, o), ro)
	case c.flags.flow != "" && form.name == "csv":
		ro.Steps = c.steps(ctx, r, o)
		return report.FlowCSV(w, r, ro)
	}
	if c.flags.flow != "" && (form.name == "html" || form.name == "markdown") {
		ro.Connection, ro.Steps = true, c.steps(ctx, r, o)
	}
	if form.name == "html" {
		ro.Pictures = c.pictures(ctx, r, o, ro)
	}
	return form.write(w, r, ro)
}

func (c *command) reportOptions() report.Options {
	names, _ := report.ParseNames(c.flags.names)
	return report.Options{
		Names: names, Color: c.useColor(), Undecided: c.flags.undecided, Flows: c.flags.flows, Time: c.flags.time, Sort: c.flags.sort, Width: c.width(), Hosts: c.names, Version: Version(),
		Docs: func(slug string) *detectors.Detector { return findDetector(c.known(), slug) },
	}
}

// pictures reads the capture a second time for the pictures of an HTML page: those
// of connections with findings.
func (c *command) pictures(ctx context.Context, r *result.Report, o *engine.Options, ro report.Options) *report.Pictures {
	p := report.NewPictures(r, ro)
	drawn := p.Flows()
	ids := map[uint64]uint64{} // by Flow.Conn
	follow := &engine.Follow{Conns: map[uint64]bool{}, Step: func(t result.Step) { p.Add(ids[t.Conn], &t) },
		Stretch: func(conn uint64, x *waits.Stretch) { p.Wait(ids[conn], x) }}
	for i := range r.Flows {
		f := &r.Flows[i]
		if _, is := slices.BinarySearch(drawn, f.ID); is {
			ids[f.Conn] = f.ID
			follow.Conns[f.Conn] = true
		}
	}
	if len(ids) == 0 {
		return p
	}
	if _, err := c.again(ctx, *o, follow); err != nil {
		c.warn("no graphs: %v", err)
	}
	return p
}

// fails reports whether there are findings at or above --fail-on.
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
