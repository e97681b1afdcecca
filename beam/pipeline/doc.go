// Package pipeline is tcptrace as an Apache Beam pipeline: what one process does
// with the captures of one machine, for captures that lie on many.
//
//	match ─> read ─────────────────> chunks by four-tuple ─> analyse ─> spread ─> number ─> render
//	           │                                               ↑ │          ↑         │        │
//	           ├─> stats of each file ─> combine ──────────────┘ └─ sums ─ plan       │        │
//	           └─> dead letters ──────────────────────────────────────────────────┐   │        │
//	                                                                              finish <─────┘
//
// A four-tuple is analysed by the engine itself, in one place, with the statistics of
// the whole trace beside it: its end, its gaps, what the kernel dropped. What needs
// more than one connection (numbers, order, the count of FINs) is settled
// afterwards, by ranges of time.
//
// Every step may be repeated: it writes under a name of its own, and the files
// that it wrote are those of the attempt that counted. The last step gives the
// report its place, when all else is there.
package pipeline
