// Package pipeline is tcptrace as an Apache Beam pipeline: it does with captures on
// many machines what one process does with those of one machine.
//
//	match ─> read ─────────────────> chunks by four-tuple ─> analyse ─> relate ─> spread ─> number ─> render
//	           │                                   │          ↑   │                  ↑         │        │
//	           ├─> stats of each file ─> combine ─ interrupt ─┘   └─ sums ───────── plan       │        │
//	           └─> dead letters ──────────────────────────────────────────────────────────┐    │        │
//	                                                                                      finish <──────┘
//
// The engine itself analyses a four-tuple, in one place, with the statistics of the
// whole trace: its end, its gaps, what the kernel dropped. What needs more than one
// connection is done afterwards: what connections with the same initial sequence number show of
// each other, and numbers, order and the count of FINs, by time ranges.
//
// Captures from several places take another way: match ─> read ─> taps ─> finish. One worker compares
// the segments of all files, and analyses them.
//
// Every step can be repeated: it writes files under unique names, and only those of
// the attempt that counts are used. The last step moves the report to its place,
// when everything else is complete.
package pipeline
