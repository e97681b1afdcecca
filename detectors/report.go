package detectors

import (
	"cmp"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Report is what a watcher is given with each call: its connection to read, and the
// way to report what it found.
type Report struct {
	Conn     fsm.View
	Settings *Settings
	Before   [2]fsm.State // both ends' states before the segment of the event
	Capture  fsm.Limits   // limits of the whole capture
	// Reach is where what has arrived of each side's data ends, as SACK has shown since the connection was first watched; nothing
	// if that is acknowledged, or was never sent. Valid while a segment's events are delivered.
	Reach [2]reassembly.Seq

	Exchange *Exchange // of the event fsm.Answered; valid during the call only
	Transfer *Transfer // of the event fsm.Transferred; likewise

	detector  *Detector
	run       *Run
	moved     bool       // a Deadline was armed or extended
	readAtEnd bool       // see ReadAtEnd
	drafts    []*Finding // that are shared
	lastDraft uint       // of these, once they are full
}

// NewReport makes a report for watchers with these settings, one after the other.
func NewReport(s *Settings) *Report { return &Report{Settings: s} }

// SetReadAtEnd says whether nobody reads findings before their watchers end: see ReadAtEnd.
func (r *Report) SetReadAtEnd(is bool) { r.readAtEnd = is }

// About makes the report that of a detector's watcher on a connection, until About is called again.
func (r *Report) About(x *Run, d *Detector, c fsm.View) *Report {
	r.run, r.detector, r.Conn, r.moved = x, d, c, false
	return r
}

// findings are what was reported and stands.
type findings struct {
	list       []Standing
	omitted    int  // findings that others took the place of
	changed    bool // since Changed was asked
	drafted    bool // see Drafter
	undeclared string
}

// maxFindings is how many findings a watcher may have standing. A connection that
// goes wrong more often shows nothing new, and must not fill the memory.
const maxFindings = 100

// Subscribe narrows the kinds of event that the watcher is given from now on, among
// those of its detector: one that waits for trouble to come back need not see each
// segment until then.
func (r *Report) Subscribe(kinds fsm.Kinds) { r.SubscribeSides(kinds, kinds) }

// SubscribeSides is Subscribe for one that waits for something else of each side.
func (r *Report) SubscribeSides(a, b fsm.Kinds) {
	r.run.subscribed = [2]fsm.Kinds{a & r.detector.SubscribesTo, b & r.detector.SubscribesTo}
}

func (r *Report) wakeAt(at int64) {
	if r.run.wake == 0 || at < r.run.wake {
		r.run.wake = at
	}
}

// Value is the value in force of one of the detector's parameters. Inlined, it would take 40 kB of the executable.
//
//go:noinline
func (r *Report) Value(param string) float64 { return r.Settings.Value(r.detector, param) }

// Nanos is the value in force of a parameter that is in seconds, in nanoseconds.
func (r *Report) Nanos(param string) int64 {
	return int64(r.Value(param) * float64(time.Second))
}

// Name is a side as sentences call it: its address and port.
func (r *Report) Name(side reassembly.Side) string { return r.Conn.Endpoint(side).String() }

// Find begins a finding: outcome, severity, states and limits are filled in.
// evidence[0] is the anchor. at is when the finding could be made, in trace time.
func (r *Report) Find(o *Outcome, subject reassembly.Side, at int64, evidence ...Evidence) Finding {
	if !slices.Contains(r.detector.Outcomes, o) {
		r.results().undeclared = o.Name
	}
	return Finding{
		Detector: r.detector.Name, Outcome: o.Name, Severity: o.Severity,
		Title: cmp.Or(o.Title, r.detector.Doc.Title), Subject: subject, Fault: o.Fault, States: r.Before, Limits: r.Conn.Limits() | r.Capture,
		Needs: o.Needs | r.detector.Needs, Handshake: o.Handshake, Start: evidence[0].Seg.At, End: evidence[len(evidence)-1].Seg.At, At: at, Evidence: evidence,
	}
}

// ReadAtEnd reports whether nobody reads findings before the watcher ends: what it will
// report again then, it need not report as things stand now.
func (r *Report) ReadAtEnd() bool { return r.readAtEnd }

func (r *Report) results() *findings {
	if r.run.found == nil {
		r.run.found = new(findings)
	}
	return r.run.found
}

// Absence marks a finding that rests on something not coming since trace time
// since. It is undecided if the capture may have missed it.
func (r *Report) Absence(f *Finding, since int64) {
	f.Absence = max(r.detector.Absence, AnyAbsence)
	f.Doubt()
	switch {
	case f.Verdict != Seen || !r.Conn.HoleSince(since-int64(time.Second)):
	case f.Limits&fsm.Holes != 0:
		f.Undecide("holes: bytes were acknowledged that the capture never saw, so it may have missed an answer, too")
	default:
		f.Undecide("overflow: more holes were open at a time than are remembered, so the capture may have missed bytes, and an answer, too")
	}
}

// Doubt makes a seen finding that rests on an absence undecided if one of its
// limits means that the capture may have missed what is said to be absent, and any
// finding that rests on what the text it was read from does not have.
func (f *Finding) Doubt() {
	if f.Verdict != Seen {
		return
	}
	f.doubtText()
	if f.Absence == NoAbsence || f.Verdict != Seen {
		return
	}
	for _, l := range [...]struct {
		limit fsm.Limits
		why   string
	}{
		{fsm.OneSided, "one-sided: only one direction was captured, so an answer could not be seen"},
		{fsm.AcksFiltered, "acks-filtered: the capture leaves out pure ACKs, and the answer may have been one"},
		{fsm.KernelDrops, "kernel-drops: the capturing system lost packets, and an answer may have been among them"},
		{fsm.SeqUnknown, "seq-unknown: the text has no sequence numbers for empty segments, or all numbers are 0, and an answer may have been any segment"},
		{fsm.Text, "text: the trace is text that may be an excerpt, so an answer may have been left out"},
		{fsm.Evicted, "evicted: the connection was dropped from memory before the trace ended"},
	} {
		if f.Limits&l.limit != 0 {
			f.Undecide(l.why)
			return
		}
	}
}

// doubtText makes a finding undecided that needs what the text does not have.
func (f *Finding) doubtText() {
	const bare = fsm.Text | fsm.WindowUnknown
	switch l := f.Limits & (f.Needs | fsm.TimeUnknown | fsm.Incomplete); {
	case l&fsm.Incomplete != 0:
		f.Undecide("text-incomplete: lines of the text show what is above TCP, or too little, instead of segments of these hosts")
	case f.Limits&bare == bare && !f.Handshake:
		f.Undecide("window-unknown: the text has no windows and lengths")
	case l&fsm.TimeUnknown != 0:
		f.Undecide("time-unknown: the text has no times")
	case l&fsm.SeqUnknown != 0:
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, which tcpdump prints with -vv, or all numbers are 0")
	case l&fsm.Text != 0:
		f.Undecide("text: the text has no IP identification and TTL, which tcpdump prints with -v, so this may be another host's segment")
	}
}

// Emit reports the finding, or what has become of it: a finding with the same anchor
// replaces the one reported before. Where a hundred stand already, it replaces the
// last: how it began and how it ended is what counts.
func (r *Report) Emit(f Finding) {
	r.results().changed = true
	f.settle()
	if f.Fault.NamesHost() {
		if words := r.SpokenFor(f.Subject); words != "" {
			f.Fault, f.Message = FaultUnknown, f.Message+words
		}
	}
	t := r.results()
	now := Standing{File: f.Evidence[0].Seg.File, Frame: f.Evidence[0].Seg.Frame}
	for i := range t.list {
		if was := &t.list[i]; was.Frame == now.Frame && was.File == now.File {
			if !r.readAtEnd || was.IsShort() || was.draft { // else nobody has read it
				was.Finding = new(Finding)
			}
			*was.Finding = f
			return
		}
	}
	now.Finding = new(Finding)
	*now.Finding = f
	if len(t.list) == maxFindings {
		t.omitted++
		t.list[maxFindings-1] = now
		return
	}
	t.list = append(t.list, now)
}

// settle gives a finding the form that all have.
func (f *Finding) settle() {
	f.End = max(f.End, f.Start) // within a second, clocks go back
	if f.Limits&fsm.FromText != 0 {
		f.Doubt()
	}
	if f.Verdict == Seen && f.Limits&fsm.PathProbes != 0 {
		f.Undecide("path-probes: a program beside the TCP wrote segments into the connection, whose TTLs count up as traceroute's do: what seems to be sent again, offered or ignored may be theirs")
	} else if f.Verdict == Seen && f.Limits&fsm.SharedID != 0 {
		f.Undecide("shared-id: segments have the IP identification of another from the same host, which counts them, and other content: somebody forged them, or a device on the way rewrote them, so what seems to be sent, repeated or acknowledged may not be the host's")
	}
	for side := range f.States {
		if f.States[side] == fsm.Listen { // no capture shows that anybody listens
			f.States[side] = fsm.Closed
		}
	}
}

// Withdraw takes back what was reported of the anchor frame: it was too early.
func (r *Report) Withdraw(file uint16, frame uint32) {
	list := r.Findings()
	for i := range list {
		if list[i].Frame == frame && list[i].File == file {
			r.run.found.list = slices.Delete(list, i, i+1)
			r.run.found.changed = true
			return
		}
	}
}

// Findings are those that stand.
func (r *Report) Findings() []Standing { return r.run.Findings() }

// Shorten leaves of a finding what it takes to count it: what it is. Engines
// do so where a detector has found so much that this finding will not be listed.
func (f *Finding) Shorten() {
	*f = Finding{
		Detector: f.Detector, Outcome: f.Outcome, Verdict: f.Verdict, Severity: f.Severity, Fault: f.Fault, Subject: f.Subject,
		Limits: f.Limits, Absence: f.Absence, Needs: f.Needs, Handshake: f.Handshake, Premises: Premises{Refusal: f.Refusal}, short: true,
	}
}

// Alike reports whether two findings that were shortened are the same.
func (f *Finding) Alike(g *Finding) bool {
	return f.Detector == g.Detector && f.Outcome == g.Outcome && f.Verdict == g.Verdict && f.Severity == g.Severity && f.Fault == g.Fault && f.Subject == g.Subject &&
		f.Limits == g.Limits && f.Absence == g.Absence && f.Needs == g.Needs && f.Handshake == g.Handshake && f.Refusal == g.Refusal
}

// IsShort reports whether the finding is only counted.
func (f *Finding) IsShort() bool { return f.short }

// Shows reports whether the frame is among the finding's evidence.
func (f *Finding) Shows(file uint16, frame uint32) bool {
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Frame == frame && e.File == file {
			return true
		}
	}
	return false
}

// Undecide makes the finding one that the capture cannot decide. Inlined, it would take 20 kB of the executable.
//
//go:noinline
func (f *Finding) Undecide(why string) {
	f.Verdict, f.Reason = Undecided, why
}

// Measure adds a metric, or gives it another value. Inlined, it would take 100 kB of the executable.
//
//go:noinline
func (f *Finding) Measure(name string, value any) {
	for i := range f.Metrics {
		if f.Metrics[i].Name == name {
			f.Metrics[i].Value = value
			return
		}
	}
	if f.Metrics == nil {
		f.Metrics = make([]Metric, 0, 4)
	}
	f.Metrics = append(f.Metrics, Metric{name, value})
}

// Evidence makes a telling frame of a mark of what side sent.
func (r *Report) Evidence(role string, side reassembly.Side, m *reassembly.Mark) Evidence {
	return Evidence{role, m.Segment(r.Conn.Endpoint(side), r.Conn.Endpoint(side.Peer()))}
}

// StatesNow are both ends' states at trace time at, as the connection left them:
// also where one of them has begun another since.
func (r *Report) StatesNow(at int64) (states [2]fsm.State) {
	for side := range reassembly.Side(2) {
		states[side], _ = r.Conn.State(side, at, r.Settings.TimeWait)
	}
	return states
}
