// Package scenario is the notation of tcptrace for traces as text, one line per
// segment, after those of packetdrill and tcpdump.
//
//	A FIN is lost after the capture point; the client never receives it.
//
//	-- trace --
//	0.000  client > server  S   0:0(0)              win 64240  | SYN_SENT LISTEN
//	+.010  server > client  S.  0:0(0)     ack 1    win 65160
//	+.000  client > server  .   1:1(0)     ack 1    win 502
//	+.100  server > client  F.  1:1(0)     ack 1    win 509    # want unretransmitted-fin[4]
//	+60.0  end
//
// It is the test language of the state machine and the detectors, an input
// format of the command, the output of --format scenario, and the form of the
// evidence lines in a report: a bug report is a paste, and a paste is a test.
// docs/scenario.md describes it for users.
//
// Parse reads it, Append writes it, New makes it from captured segments,
// Trace.Pcapng makes a capture of it, and Trace.Check compares the findings of an
// analysis with those that the text wants. The package knows only segments:
// states and detectors are mere words here.
package scenario
