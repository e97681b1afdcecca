package detectors

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A Detector recognises one kind of trouble in one TCP connection. It is a
// value: what it says about itself is data, to be listed, validated, printed.
type Detector struct {
	Name     string // kebab-case slug; the same in code, file, samples, docs and JSON
	Doc      Doc
	Outcomes []*Outcome
	Needs    fsm.Limits // what every outcome needs; see Outcome.Needs
	Params   []Param

	// StartsOn are the kinds of event that start a watcher on a connection. A
	// connection with none of these costs nothing.
	StartsOn fsm.Kinds
	// SubscribesTo are the kinds of event that a watcher is given, the one that
	// started it included if it is among them.
	SubscribesTo fsm.Kinds
	// SkipsClose says that an ordinary close is of no concern, as long as it stays one:
	// FIN, ACK, FIN, ACK, within a second, with nothing sent again. The watcher, which
	// starts on FinSent, starts with whatever differs, with a FIN that is not
	// acknowledged for a second, or at the end; it is then given the events that it has
	// missed. Their Seg holds what a Mark does, their N is 0.
	SkipsClose bool
	// Watch makes the watcher of one connection; nil says that this connection is
	// of no interest, as of this event.
	Watch func(*Report) Watcher

	// Absence says what the findings that rest on an absence miss, where the engine
	// can tell from the whole capture that it could not have held that.
	Absence Absence

	// YieldsTo names detectors that explain the same better: where one of them has found
	// something of the same connection and shows this one's anchor frame among its evidence,
	// it speaks alone.
	YieldsTo []string
}

// Doc is what --explain and docs/detectors.md print.
type Doc struct {
	Title   string   // one line: what went wrong
	What    string   // how it looks on the wire
	Cause   string   // what usually brings it about
	Action  string   // what to do next
	NotThis string   // the look-alikes, and how they differ
	Peers   string   // what Wireshark calls these frames, and why
	Refs    []string // "RFC 9293 3.8.6.1", "KB Q117317"
	Since   string   // version that brought it
}

// An Outcome is one way the trouble ends; it carries the usual severity.
type Outcome struct {
	Name     string
	Severity Severity
	Fault    Fault
	When     string
	Title    string // in place of Doc.Title, where that does not hold for this outcome
	Cause    string // in place of Doc.Cause, where the outcomes differ in it
	Action   string // in place of Doc.Action

	// Handshake says that a finding rests on flags and sequence numbers of SYN and RST
	// alone, which any text shows.
	Handshake bool

	// Needs are limits of text through which a finding is undecided: it rests on the
	// sequence numbers of empty segments (fsm.SeqUnknown), or on IP identification
	// and TTL (fsm.Text).
	Needs fsm.Limits
}

// A Param is a threshold that --set SLUG.NAME=VALUE changes.
type Param struct {
	Name    string
	Default float64
	Min     float64
	Max     float64
	Unit    string // "", "s"
	Doc     string
}

// A Watcher follows one connection for one Detector.
type Watcher interface {
	// Event is given the events of the kinds that the detector subscribes to.
	Event(ev fsm.Event, r *Report)
}

// An Ender is a Watcher that has something to decide at the end besides its deadlines.
type Ender interface {
	// End says that nothing more will come.
	End(e Ending, r *Report)
}

// An Ending says when and why a connection's record stops.
type Ending struct {
	// At is the last moment that the capture can speak of: the end of the
	// trace, or the next use of the four-tuple.
	At  int64
	Why Why
}

// Why a record stops.
type Why uint8

// The reasons.
const (
	TraceOver   Why = iota // the trace ended
	Replaced               // a new connection took the four-tuple
	Dropped                // the connection was evicted to stay within bounds
	Interrupted            // the capture was interrupted, or its file ends sooner than others
)

// Settings are the parameter values in force for one run, and what a detector
// must know of it. They are read-only once the run begins.
type Settings struct {
	TimeWait time.Duration // how long TIME_WAIT lasts
	values   map[string]float64
}

// Set changes parameter name of the detector; it fails if there is no such
// parameter or the value is out of its range.
func (s *Settings) Set(d *Detector, name string, value float64) error {
	for _, p := range d.Params {
		if p.Name != name {
			continue
		}
		if !(value >= p.Min && value <= p.Max) {
			return fmt.Errorf("%s.%s must lie between %g and %g", d.Name, name, p.Min, p.Max)
		}
		if s.values == nil {
			s.values = map[string]float64{}
		}
		s.values[d.Name+"."+name] = value
		return nil
	}
	return fmt.Errorf("%s has no parameter %q", d.Name, name)
}

// Value is the value in force of parameter name of the detector.
func (s *Settings) Value(d *Detector, name string) float64 {
	if len(s.values) > 0 { // as a rule there are none, and joining the names takes time
		if v, ok := s.values[d.Name+"."+name]; ok {
			return v
		}
	}
	for _, p := range d.Params {
		if p.Name == name {
			return p.Default
		}
	}
	return 0
}

// Advice is the detector's Doc as it applies to one outcome: with its own cause
// and action where it has them.
func (d *Detector) Advice(outcome string) Doc {
	doc, o := d.Doc, d.outcome(outcome)
	if o.Cause != "" {
		doc.Cause = o.Cause
	}
	if o.Action != "" {
		doc.Action = o.Action
	}
	return doc
}

// outcome is the declared outcome of that name.
func (d *Detector) outcome(name string) *Outcome {
	for _, o := range d.Outcomes {
		if o.Name == name {
			return o
		}
	}
	return &Outcome{Name: name, Severity: Warning}
}
