//go:build !js

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/filter"
	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// joinFilter makes a filter of the words after the flags.
func (f *flags) joinFilter() error {
	if len(f.files) == 0 {
		return nil
	}
	if f.filter != "" || f.filterBPF != "" {
		return errors.New("two filters: one after the flags, one in --filter or --filter-bpf")
	}
	f.filter, f.files = strings.Join(f.files, " "), nil
	return nil
}

// listInterfaces prints the names that -i accepts.
func listInterfaces(w io.Writer) error {
	list, err := live.Interfaces()
	for _, i := range list {
		fmt.Fprintf(w, "%s\t%s\n", report.Clean(i.Name), i.Flags)
	}
	return err
}

// A sniffer is one live capture.
type sniffer struct {
	*command
	format   *format
	ring     *live.Ring
	loop     *live.Loop
	metrics  *live.Metrics  // nil without --metrics
	header   result.Report  // context of printed findings: start of the trace, and its files
	known    map[string]int // last printed revision of findings that are not final, by ID
	evidence *liveEvidence  // nil without --evidence

	processes *processes // nil without --processes
}

// sniff captures from an interface until it is stopped, and reports.
func (c *command) sniff() error {
	s := &sniffer{command: c, known: map[string]int{}}
	o, form, err := c.options()
	if err != nil {
		return err
	}
	if form.write == nil {
		return fmt.Errorf("--format %s is for files", form.name)
	}
	s.format = form
	if err := s.open(o); err != nil {
		return err
	}
	defer s.ring.Close()
	if s.processes != nil {
		defer s.processes.close()
	}
	stop := s.handleSignals()
	defer stop()
	s.confine(s.outputs())
	r, err := s.loop.Run()
	c.check(err)
	c.check(s.close(r))
	c.found = c.fails(r)
	return nil
}

// open opens everything that the capture needs.
func (s *sniffer) open(o *engine.Options) (err error) {
	f := s.flags
	if err := f.joinFilter(); err != nil {
		return err
	}
	if err := s.begin(o); err != nil {
		return err
	}
	if s.ring, err = s.openRing(f.iface); err != nil {
		return err
	}
	s.printKey()
	if f.processes {
		s.openProcesses(o)
	}
	s.loop = &live.Loop{
		Source: s.ring, Engine: engine.NewLive(*o, s.emit), Now: time.Now, Elapsed: live.Stopwatch(), Warn: func(text string) { s.warn("%s", text) },
		Input: result.Capture{File: s.anonymizer.name(f.iface), Format: "live", LinkTypes: []string{s.ring.Link().String()}},
	}
	if f.evidence != "" {
		if err := s.makeEvidenceDir(); err != nil {
			return err
		}
		s.evidence = s.newLiveEvidence(o)
		s.loop.Engine.Seen = s.evidence.recent.Add
	}
	if f.keep != "" {
		s.loop.Keeper = &live.Keeper{
			Name: f.keep, Size: f.keepSize * 1e6, Files: f.keepMost,
			Interfaces: []pcapng.Interface{{Link: uint16(s.ring.Link()), Name: f.iface, Filter: f.filter}},
			Section:    captureSection(),
			Guard:      &s.guard,
		}
		if err := s.loop.Keeper.Open(); err != nil {
			return fmt.Errorf("-w: %w", err)
		}
	}
	if f.metrics != "" {
		if s.metrics, err = live.ListenMetrics(f.metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
		s.mention("metrics at http://%v/metrics", s.metrics.Addr())
		s.metrics.Serve(s.loop)
	}
	return nil
}

// openRing begins to capture at an interface.
func (c *command) openRing(iface string) (*live.Ring, error) {
	want := live.Options{Interface: iface, Promiscuous: !c.flags.noPromiscuous}
	if c.filter != nil {
		want.Filter = func(link capture.LinkType) (*filter.Program, error) { return c.filter.program(link) }
	}
	ring, err := live.Open(want)
	if errors.Is(err, live.ErrPermission) {
		program, err1 := os.Executable()
		if err1 != nil {
			program = "tcptrace"
		}
		err = errors.Join(fmt.Errorf("%s: %w", iface, err), fmt.Errorf("run tcptrace as root, or once: sudo setcap cap_net_raw+ep %s", program))
	}
	return ring, err
}

// captureSection describes what wrote a capture.
func captureSection() pcapng.Section {
	return pcapng.Section{Application: "tcptrace " + Version(), System: runtime.GOOS}
}

// handleSignals makes signals and --duration stop the loop, and SIGUSR1 print the
// state. A second ^C ends the process.
func (s *sniffer) handleSignals() (stop func()) {
	ctx, stop := untilSignal()
	if d := s.flags.duration; d != 0 {
		time.AfterFunc(d, s.loop.Stop)
	}
	context.AfterFunc(ctx, s.loop.Stop)
	asked := make(chan os.Signal, 1)
	if len(stateSignals) > 0 {
		signal.Notify(asked, stateSignals...)
	}
	go func() {
		for range asked {
			s.loop.Ask(s.showState)
		}
	}()
	return stop
}

// emit handles a new or changed finding: prints it, counts it and writes its
// evidence.
func (s *sniffer) emit(f result.Finding) {
	o := s.findingOptions()
	s.header.WholeNumbers(&f)
	isNew := s.known[f.ID] != f.Revision
	if s.processes != nil && isNew && !f.Withdrawn {
		s.processes.name(&f, time.Now())
	} else if s.processes != nil {
		s.processes.recall(&f)
	}
	if s.metrics != nil && isNew {
		s.metrics.Count(&f)
	}
	s.check(s.print(&f, o, isNew))
	if s.evidence != nil && (isNew || f.Final) {
		s.evidence.update(&f, s.header.Captures, o.Files)
	}
	s.known[f.ID] = f.Revision
	if f.Final {
		delete(s.known, f.ID)
	}
}

// print prints a finding if the format and its revision call for it.
func (s *sniffer) print(f *result.Finding, o report.Options, isNew bool) error {
	switch {
	case s.format.name == "ndjson" && s.flags.output == "":
		return report.FindingNDJSON(s.env.Stdout, &s.header, f, o)
	case s.format.name != "text" && s.flags.output == "": // only the closing report
	case f.Verdict == detectors.Undecided && f.Revision == 1 && !s.flags.undecided:
	case !isNew || s.loop.Closing(): // printed already, or about to be in the closing report
	default:
		return report.FindingText(s.env.Stdout, &s.header, f, o)
	}
	return nil
}

// findingOptions returns report options with the current files of -w.
func (s *sniffer) findingOptions() report.Options {
	snap := s.loop.Captures()
	s.header.Captures, s.header.Trace = snap, snap[0].Span
	o := s.reportOptions()
	if s.loop.Keeper != nil {
		o.Files = s.loop.Keeper.Names()
	}
	return o
}

// showState prints the sockets and the current findings on standard error.
func (s *sniffer) showState(l *live.Loop) {
	r := l.Snapshot()
	if s.processes != nil {
		s.processes.addTo(r)
	}
	o := s.findingOptions()
	s.check(report.StatesText(s.env.Stderr, r.Trace.End, s.endpoints(r), o))
	fmt.Fprintln(s.env.Stderr)
	s.check(report.Text(s.env.Stderr, r, o))
}

// close prints the closing report.
func (s *sniffer) close(r *result.Report) error {
	o := s.findingOptions()
	if s.processes != nil {
		s.processes.addTo(r)
	}
	if s.format.name == "ndjson" && s.flags.output == "" {
		return closingNDJSON(s.env.Stdout, r, o)
	}
	return s.output(func(w io.Writer) error { return s.format.write(w, r, o) })
}
