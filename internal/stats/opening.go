package stats

import "github.com/tcptrace-go/tcptrace/reassembly"

// An Opening is what is to be known of a connection to tell whether another began with the
// same SYN, or is the same one with an address translated: how it was opened, and how far each
// side has come. Sides are A, which opened it or spoke first, and B.
type Opening struct {
	Position uint64 // of its first segment among all of the trace
	End      [2]reassembly.Endpoint
	ISS      [2]reassembly.Seq // of the SYNs, or the first numbers seen
	Nxt      [2]reassembly.Seq // SND.NXT
	Last     [2]uint32         // frame of the last segment of each side
	SYNs     bool              // both SYNs were captured
	Answered bool              // B answered
	Waits    bool              // A waits for an answer
	Reset    bool              // a RST ended it, of this side:
	ResetBy  reassembly.Side
}
