package detectors

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A Detector recognises one kind of trouble in one TCP connection. It is a
// value: what it says about itself is data, to be listed, validated, printed.
type Detector struct {
	Name     string // kebab-case slug; the same in code, file, samples, docs and JSON
	Doc      Doc
	Outcomes []Outcome
	Params   []Param

	// Opens are the kinds of event that start a watch on a connection. A
	// connection with none of these costs nothing.
	Opens fsm.Kinds
	// Hears are the kinds of event that a watcher is given, the opening one
	// included if it is among them.
	Hears fsm.Kinds
	Watch func(*fsm.Conn, *Settings) Watcher
}

// Doc is what --explain and docs/detectors.md print.
type Doc struct {
	Title   string   // one line: what went wrong
	What    string   // how it looks on the wire
	Cause   string   // what usually brings it about
	Action  string   // what to do next
	NotThis string   // the look-alikes, and how they differ
	Peers   string   // what Wireshark calls these frames, and why; may be empty
	Refs    []string // "RFC 9293 3.8.6.1", "KB Q117317"
	Since   string   // version that brought it
}

// An Outcome is one way the trouble ends; it carries the usual severity.
type Outcome struct {
	Name     string
	Severity Severity
	When     string
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

// Settings are the parameter values in force for one run, and what a detector
// must know of it.
type Settings struct {
	values map[string]float64
	// TimeWait is how long TIME_WAIT lasts (--time-wait).
	TimeWait time.Duration
}
