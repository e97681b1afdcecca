//go:build !js

package cli

import (
	"time"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/host"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sockets"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A processes names the processes of findings, for --processes.
type processes struct {
	helper  *host.Helper
	warn    func(format string, args ...any)
	limits  []string                // what could not be looked at
	known   map[string]kernelAnswer // what findings were told, by ID
	hidden  *sockets.Hidden         // with --anonymize
	real    map[reassembly.Endpoint]reassembly.Endpoint
	second  int64 // of the last questions
	asked   int   // during it
	stopped bool  // the helper failed
}

// A kernelAnswer is what a kernel said about a finding.
type kernelAnswer struct {
	sockets      []result.Socket
	kernelEvents []result.KernelEvent
}

// itself is the running program, also if its file was replaced or cannot be reached.
const itself = "/proc/self/exe"

const (
	// maxAsked bounds the questions in a second: with a flood of findings, the capture is
	// more important.
	maxAsked = 200
	maxKnown = 1 << 16
)

// openProcesses starts the helper. Without it, the report is the same but for what it adds,
// and has a note.
func (s *sniffer) openProcesses(o *engine.Options) {
	p := &processes{warn: s.warn, known: map[string]kernelAnswer{}}
	s.processes = p
	var err error
	if p.helper, err = host.Start(itself); err != nil {
		p.fail(err)
		return
	}
	p.limit()
	if s.anonymizer != nil {
		p.hidden, p.real = sockets.NewHidden(), map[reassembly.Endpoint]reassembly.Endpoint{}
		replace := o.Rewrite
		o.Rewrite = func(seg *reassembly.Segment) {
			src, dst := seg.Src, seg.Dst
			replace(seg)
			p.remember(seg.Src, src)
			p.remember(seg.Dst, dst)
		}
	}
}

// remember keeps what stands behind a replacement: the kernel knows only that.
func (p *processes) remember(replaced, original reassembly.Endpoint) {
	if len(p.real) >= maxKnown {
		clear(p.real)
	}
	p.real[replaced] = original
}

func (p *processes) fail(err error) {
	p.stopped = true
	p.limits = append(p.limits, "The processes of connections could not be asked for.")
	p.warn("--processes: %v", err)
}

// limit warns of what the helper could not look at, once.
func (p *processes) limit() {
	if len(p.limits) > 0 || len(p.helper.Limits) == 0 {
		return
	}
	p.limits = p.helper.Limits
	for _, text := range p.limits {
		p.warn("--processes: %s", text)
	}
}

func (p *processes) close() {
	if p.helper != nil {
		p.helper.Close()
	}
}

// name asks for both ends of a finding's connection.
func (p *processes) name(f *result.Finding, now time.Time) {
	if p.recall(f); p.stopped {
		return
	}
	if p.second != now.Unix() {
		p.second, p.asked = now.Unix(), 0
	}
	if p.asked++; p.asked > maxAsked {
		return
	}
	var all kernelAnswer
	for side := range reassembly.Side(2) {
		local, foreign := f.Flow.End[side], f.Flow.End[side.Peer()]
		if p.real != nil {
			local, foreign = p.real[local], p.real[foreign]
		}
		s, events, err := p.helper.Socket(local, foreign)
		if err != nil {
			p.fail(err)
			return
		}
		p.limit()
		if side == reassembly.A { // of both directions
			all.kernelEvents = kernelEventsOf(f, local.AddrPort(), events)
		}
		if s == nil {
			continue
		}
		s.Side = side
		compareNow(s, f.Flow)
		if p.hidden != nil {
			p.hidden.Socket(s)
		}
		all.sockets = append(all.sockets, *s)
	}
	before := p.known[f.ID]
	if len(all.sockets) == 0 { // it is gone by now; what was known stays
		all.sockets = before.sockets
	}
	if len(all.kernelEvents) == 0 {
		all.kernelEvents = before.kernelEvents
	}
	if f.Sockets, f.KernelEvents = all.sockets, all.kernelEvents; len(p.known) < maxKnown && len(all.sockets)+len(all.kernelEvents) > 0 {
		p.known[f.ID] = all
	}
}

// recall adds what the finding was told before.
func (p *processes) recall(f *result.Finding) {
	known := p.known[f.ID]
	f.Sockets, f.KernelEvents = known.sockets, known.kernelEvents
}

// compareNow puts the state of the capture beside that of a socket that still exists.
func compareNow(s *result.Socket, f *result.Flow) {
	if s.Gone || s.State.String() == "LISTEN" {
		return
	}
	s.Ours, s.Bounded, s.Agrees = f.State[s.Side], f.Bounded[s.Side], result.Disagree
	if s.Ours == s.State {
		s.Agrees = result.Agree
	}
}

// addTo adds what findings were told to the closing report.
func (p *processes) addTo(r *result.Report) {
	for i := range r.Findings {
		p.recall(&r.Findings[i])
	}
	for _, text := range p.limits {
		r.Notes = append(r.Notes, result.Note{Name: sockets.NoteName, Message: text})
	}
}
