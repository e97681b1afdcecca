// Package detectors says what is wrong with a TCP connection.
//
// A [Detector] is a value: its name, what it says about itself, its [Outcome] values,
// the kinds of event that it starts on and subscribes to, and a constructor. The work is
// done by its [Watcher], one for each connection that brings a starting event:
//
//	Event     a fact that a segment brought to light (fsm.Kind); the segment is valid
//	          during the call only
//	Overdue   what a [Deadline] waits for did not come in time: before any later segment
//	          of the connection, and at the end (optional: [Waiter])
//	End       nothing more will come (optional: [Ender])
//
// Each call has a [Report]: the connection to read, and the way to report. Find begins a
// finding with states, limits and severity filled in. Emit reports it, or what has become
// of it: a finding with the same anchor frame replaces the one reported before. A finding
// that rests on something that did not come is marked by Absence, which makes it undecided
// where the capture may have missed it.
//
// What a watcher knows of its connection is an fsm.View. Sequence numbers are compared with
// the methods of reassembly.Seq and reassembly.Stream only. Time is the trace's.
//
// The detectors of this module are in a package for each family, and in one list, package
// catalogue. CONTRIBUTING.md says how to add one; package detectortest runs traces against
// detectors.
package detectors
