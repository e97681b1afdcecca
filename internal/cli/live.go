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
	"syscall"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/filter"
	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// listInterfaces prints what -i takes.
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
	format *format
	ring   *live.Ring
	loop   *live.Loop
	served *live.Metrics  // nil without --metrics
	tap    result.Report  // what findings are told with: where the trace begins, and its files
	known  map[string]int // revisions that were told of findings that are not final
	clerk  *clerk         // nil without --evidence
}

// sniff captures from an interface until it is stopped, and reports.
func (c *command) sniff() {
	s := &sniffer{command: c, known: map[string]int{}}
	o, form, err := c.options()
	if err == nil {
		s.format = form
		err = s.open(o)
	}
	if err != nil {
		c.complain(err)
		return
	}
	defer s.ring.Close()
	stop := s.heed()
	defer stop()
	r, err := s.loop.Run()
	c.check(err)
	c.check(s.close(r))
	c.found = c.fails(r)
}

// open opens all that will be needed, and then gives up the privileges and the
// system calls that nothing needs any more.
func (s *sniffer) open(o *engine.Options) error {
	f := s.flags
	if len(f.files) > 0 {
		if f.filter != "" || f.filterBP != "" {
			return errors.New("the filter is told twice: behind the flags, and by --filter or --filter-bpf")
		}
		f.filter, f.files = strings.Join(f.files, " "), nil
	}
	sieve, err := newSieve(f)
	if err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	s.disguise.apply(o)
	want := live.Options{Interface: f.iface, Promiscuous: !f.chaste}
	if sieve != nil {
		want.Filter = func(link capture.LinkType) (*filter.Program, error) { return sieve.program(link) }
	}
	if s.ring, err = live.Open(want); errors.Is(err, live.ErrPermission) {
		s.complain(fmt.Errorf("%s: %w", f.iface, err))
		return fmt.Errorf("run this as root, or once: sudo setcap cap_net_raw+ep %s", executable())
	} else if err != nil {
		return err
	}
	s.loop = &live.Loop{
		Source: s.ring, Engine: engine.NewLive(*o, s.tell), Now: time.Now, Warn: s.warn,
		Input: result.Capture{File: f.iface, Format: "live", LinkTypes: []string{s.ring.Link().String()}},
	}
	if f.evidence != "" {
		if s.clerk, err = s.newClerk(o); err != nil {
			return fmt.Errorf("--evidence: %w", err)
		}
		s.loop.Engine.Seen = s.clerk.recent.Add
	}
	if f.keep != "" {
		s.loop.Keeper = &live.Keeper{
			Name: f.keep, Size: f.keepSize * 1e6, Files: f.keepMost,
			Interface: pcapng.Interface{Link: uint16(s.ring.Link()), Name: f.iface, Filter: f.filter},
			Section:   pcapng.Section{Application: "tcptrace " + Version(), System: runtime.GOOS},
			Guard:     &s.guard,
		}
		if err := s.loop.Keeper.Open(); err != nil {
			return fmt.Errorf("-w: %w", err)
		}
	}
	if f.metrics != "" {
		if s.served, err = live.ListenMetrics(f.metrics); err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
		s.mention(fmt.Sprintf("metrics at http://%v/metrics", s.served.Addr()))
		s.served.Serve(s.loop)
	}
	s.confine(sandbox.Needs{Write: s.outputs()})
	return nil
}

// executable is the path of this program, to be copied into a shell.
func executable() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "tcptrace"
}

// heed has signals and --duration stop the loop, and SIGUSR1 ask for the state
// of things. A second ^C ends the process, as ever.
func (s *sniffer) heed() (stop func()) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if d := s.flags.duration; d != 0 {
		var timeout context.CancelFunc
		ctx, timeout = context.WithTimeout(ctx, d)
		cancel = both(cancel, timeout)
	}
	context.AfterFunc(ctx, func() {
		cancel()
		s.loop.Stop()
	})
	asked := make(chan os.Signal, 1)
	if len(stateSignals) > 0 {
		signal.Notify(asked, stateSignals...)
	}
	go func() {
		for range asked {
			s.loop.Ask(s.showState)
		}
	}()
	return cancel
}

func both(f, g func()) func() { return func() { f(); g() } }

// tell prints a finding the moment that it can be said.
func (s *sniffer) tell(f result.Finding) {
	o := s.findingOptions()
	if s.served != nil && s.known[f.ID] != f.Revision {
		s.served.Tell(&f)
	}
	s.print(&f, o)
	if s.clerk != nil && (s.known[f.ID] != f.Revision || f.Final) {
		s.clerk.file(&f, s.tap.Captures, o.Files)
	}
	s.known[f.ID] = f.Revision
	if f.Final {
		delete(s.known, f.ID)
	}
}

// print prints what is new about a finding.
func (s *sniffer) print(f *result.Finding, o report.Options) {
	var err error
	switch {
	case s.format.name == "ndjson" && s.flags.output == "":
		err = report.FindingNDJSON(s.env.Stdout, &s.tap, f, o)
	case s.format.name != "text" && s.flags.output == "":
		return // the closing report alone
	case f.Verdict == detectors.Undecided && f.Revision == 1 && !s.flags.undecided:
		return
	case s.known[f.ID] == f.Revision || s.loop.Closing():
		// nothing new for people, or in the closing report
	default:
		err = report.FindingText(s.env.Stdout, &s.tap, f, o)
	}
	s.check(err)
}

// findingOptions are those of reports, with the names of the files that frames
// are in by now.
func (s *sniffer) findingOptions() report.Options {
	snap := s.loop.Captures()
	s.tap.Captures, s.tap.Trace = snap, snap[0].Span
	o := s.reportOptions()
	if s.loop.Keeper != nil {
		o.Files = s.loop.Keeper.Names()
	}
	return o
}

// showState prints the sockets and the findings that stand, beside the output.
func (s *sniffer) showState(l *live.Loop) {
	r := l.Snapshot()
	o := s.findingOptions()
	s.check(report.StatesText(s.env.Stderr, r.Trace.End, s.endpoints(r), o))
	fmt.Fprintln(s.env.Stderr)
	s.check(report.Text(s.env.Stderr, r, o))
}

// close prints the closing report.
func (s *sniffer) close(r *result.Report) error {
	o := s.findingOptions()
	if s.format.name == "ndjson" && s.flags.output == "" {
		for i := range r.Flows { // the numbers that findings were told with
			r.Flows[i].ID = r.Flows[i].Conn
		}
		return report.ClosingNDJSON(s.env.Stdout, r, o)
	}
	if s.format.write == nil {
		return fmt.Errorf("--format %s: a live capture cannot be written so", s.format.name)
	}
	return s.output(func(w io.Writer) error { return s.format.write(w, r, o) })
}
