// Package detectors says what is wrong with a TCP connection.
//
// A [Detector] is a value: its name, what it says about itself, the kinds of
// event that start it and those that it hears, and a constructor. The work is
// done by its [Watcher], one for each connection that brings an opening event:
//
//	Event   a fact that a segment brought to light (fsm.Kind); the segment is
//	        valid during the call only
//	Due     a deadline, asked for by [Report.WakeAt], has come in trace time,
//	        before any later segment of the connection (optional: [Waker])
//	End     nothing more will come; what is open is decided now
//
// It speaks through its [Report]: Find begins a finding with states, limits and
// severity filled in, Tell reports it, or what has become of it, as a finding
// of the same anchor frame replaces the one told before. A finding that rests
// on something that did not come is marked by Absence, which makes it undecided
// where the capture may have missed it; no detector repeats that judgment.
//
// A detector knows no sequence arithmetic: what it needs of the connection,
// fsm.Conn answers (fsm/place.go). Time is the trace's.
//
// CONTRIBUTING.md tells how to add one; house_test.go holds what it must have.
package detectors
