package detectors

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Report is a watcher's view of its connection, and the way it speaks.
type Report struct {
	Conn     *fsm.Conn
	Settings *Settings
	Before   [2]fsm.State // both ends' states before the segment of the event
	Capture  fsm.Limits   // limits of the whole capture

	changed  bool // since Changed was asked
	brief    bool // see Brief
	detector *Detector
	hears    fsm.Kinds
	wake     int64
	tale     *tale // nil until something is told: nearly every report stays without
}

// A tale is what was told.
type tale struct {
	told    []Finding
	omitted int // findings that others took the place of
}

// maxTold is how many findings a watcher may have standing. A connection that
// goes wrong more often shows nothing new, and must not fill the memory.
const maxTold = 100

// NewReport is a report for one watcher of one connection.
func NewReport(d *Detector, c *fsm.Conn, s *Settings) Report {
	return Report{Conn: c, Settings: s, detector: d, hears: d.Hears}
}

// Hear says which of the kinds that the detector hears its watcher wants from
// now on: one that waits for trouble to come back need not be told of each
// segment until then.
func (r *Report) Hear(kinds fsm.Kinds) { r.hears = kinds & r.detector.Hears }

// Hears are the kinds of event that the watcher wants.
func (r *Report) Hears() fsm.Kinds { return r.hears }

// WakeAt asks for Due at trace time at, in nanoseconds since 1970; the earliest
// time asked for holds.
func (r *Report) WakeAt(at int64) {
	if r.wake == 0 || at < r.wake {
		r.wake = at
	}
}

// Deadline is the time asked for; 0 if there is none.
func (r *Report) Deadline() int64 { return r.wake }

// Woken forgets the deadline, before Due is called.
func (r *Report) Woken() { r.wake = 0 }

// Value is the value in force of one of the detector's parameters.
func (r *Report) Value(param string) float64 { return r.Settings.Value(r.detector, param) }

// nanos is the value of a parameter that is in seconds.
func (r *Report) Nanos(param string) int64 {
	return int64(r.Value(param) * float64(time.Second))
}

// Name is a side as sentences call it: its address and port.
func (r *Report) Name(side reassembly.Side) string { return r.Conn.Endpoint(side).String() }

// Find begins a finding: outcome, severity, states and limits are filled in.
// evidence[0] is the anchor.
func (r *Report) Find(outcome string, culprit reassembly.Side, at int64, evidence ...Evidence) Finding {
	f := Finding{
		Detector: r.detector.Name, Outcome: outcome, Severity: r.detector.outcome(outcome).Severity,
		Title: r.detector.Doc.Title, Culprit: culprit, States: r.Before, Limits: r.Conn.Limits() | r.Capture,
		Start: evidence[0].Seg.At, End: evidence[len(evidence)-1].Seg.At, At: at, Evidence: evidence,
	}
	return f
}

// Absence marks a finding that rests on something not coming since trace time
// since. It is undecided if the capture may have missed it.
func (r *Report) Absence(f *Finding, since int64) {
	f.Absence = max(r.detector.Absence, AnyAbsence)
	f.Doubt()
	if f.Verdict == Seen && r.Conn.HoleSince(since-int64(time.Second)) {
		f.Undecide("holes: bytes were acknowledged that the capture never saw, so that it may have missed an answer too")
	}
}

// Doubt makes a seen finding that rests on an absence undecided if one of its
// limits means that the capture may have missed what is said to be absent.
func (f *Finding) Doubt() {
	if f.Absence == NoAbsence || f.Verdict != Seen {
		return
	}
	for _, l := range [...]struct {
		limit fsm.Limits
		why   string
	}{
		{fsm.OneSided, "one-sided: only one direction was captured, so that an answer could not be seen"},
		{fsm.AcksFiltered, "acks-filtered: the capture leaves pure ACKs out, and the answer may have been one"},
		{fsm.KernelDrops, "kernel-drops: the capturing system lost packets, and an answer may have been among them"},
		{fsm.Evicted, "evicted: the connection was dropped from memory before the trace ended"},
	} {
		if f.Limits&l.limit != 0 {
			f.Undecide(l.why)
			return
		}
	}
}

// Tell reports the finding, or what has become of it: a finding of the same
// anchor takes the place of the one told before. Where a hundred stand already,
// it takes the place of the last: how it began and how it ended is what counts.
func (r *Report) Tell(f Finding) {
	r.changed = true
	if r.brief {
		f = f.bare()
	}
	if r.tale == nil {
		r.tale = new(tale)
	}
	t := r.tale
	for i := range t.told {
		if t.told[i].sameAnchor(&f) {
			t.told[i] = f
			return
		}
	}
	if len(t.told) == maxTold {
		t.omitted++
		t.told[maxTold-1] = f
		return
	}
	t.told = append(t.told, f)
}

// Brief keeps no more of the findings to come than it takes to count them. The
// engine asks for that where a detector has spoken of so many connections that
// this one's will not be listed. It holds from before the first finding on.
func (r *Report) Brief() { r.brief = true }

// IsBrief reports whether findings are only to be counted.
func (r *Report) IsBrief() bool { return r.brief }

// bare is what counts of a finding: what it is, and its anchor.
func (f *Finding) bare() Finding {
	return Finding{
		Detector: f.Detector, Outcome: f.Outcome, Verdict: f.Verdict, Severity: f.Severity, Culprit: f.Culprit,
		Limits: f.Limits, Absence: f.Absence, Evidence: []Evidence{f.Evidence[0]},
	}
}

// Omitted is how many findings were told and left out again, because too many
// stood already.
func (r *Report) Omitted() int {
	if r.tale == nil {
		return 0
	}
	return r.tale.omitted
}

// Withdraw takes back what was told of the anchor frame: it was too early.
func (r *Report) Withdraw(file uint16, frame uint32) {
	for i := range r.Told() {
		if a := &r.tale.told[i].Evidence[0].Seg; a.Frame == frame && a.File == file {
			r.tale.told = slices.Delete(r.tale.told, i, i+1)
			r.changed = true
			return
		}
	}
}

// Changed reports whether something was told or withdrawn since it was last
// asked.
func (r *Report) Changed() bool {
	was := r.changed
	r.changed = false
	return was
}

// Told are the findings that stand.
func (r *Report) Told() []Finding {
	if r.tale == nil {
		return nil
	}
	return r.tale.told
}

func (f *Finding) sameAnchor(g *Finding) bool {
	a, b := &f.Evidence[0].Seg, &g.Evidence[0].Seg
	return a.Frame == b.Frame && a.File == b.File
}

// Shows reports whether the segment's frame is among the finding's evidence.
func (f *Finding) Shows(seg *reassembly.Segment) bool {
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Frame == seg.Frame && e.File == seg.File {
			return true
		}
	}
	return false
}

// Undecide makes the finding one that the capture cannot decide.
func (f *Finding) Undecide(why string) {
	f.Verdict, f.Reason = Undecided, why
}

// Measure adds a metric, or gives it another value.
func (f *Finding) Measure(name string, value any) {
	for i := range f.Metrics {
		if f.Metrics[i].Name == name {
			f.Metrics[i].Value = value
			return
		}
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
		states[side] = r.Conn.Left(side, at, r.Settings.TimeWait)
	}
	return states
}
