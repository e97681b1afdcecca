// Package scenario is the one notation of tcptrace: a trace as text, one line
// per segment, after packetdrill's and tcpdump's.
//
//	A FIN is lost beyond the tap; the client never saw it.
//
//	-- trace --
//	0.000  client > server  S   0:0(0)              win 64240  | SYN_SENT LISTEN
//	+.010  server > client  S.  0:0(0)     ack 1    win 65160
//	+.000  client > server  .   1:1(0)     ack 1    win 502
//	+.100  server > client  F.  1:1(0)     ack 1    win 509    # want unretransmitted-fin[4]
//	+60.0  end
//
// It is the test language of the state machine and the detectors, an input
// format of the command, what --format scenario prints, and what the evidence
// lines of a report look like: a bug report is a paste, and a paste is a test.
// docs/scenario.md describes it for people.
//
// Parse reads it, Append writes it, New makes it of captured segments,
// Trace.Pcapng makes a capture of it, and Trace.Check holds what an analysis
// found against what the text wants. States and detectors are mere words here:
// the package knows segments only.
package scenario
