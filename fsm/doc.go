// Package fsm turns the segments of one connection into events and keeps both
// ends' states, from evidence alone.
//
// A tap cannot see what arrives, only what is sent. So each side is two facts
// deep: what it sent, and what its peer was seen to acknowledge. The wire
// proves four things about each direction, in this order:
//
//	SYN sent   SYN acknowledged   FIN sent   FIN acknowledged
//
// and between them lie five phases: idle, opening, open, FIN sent, FIN acknowledged.
// The eleven states of RFC 9293 are looked up from the two directions in one table of
// five by five (state.go), plus one tie-break: the side that had acknowledged the
// peer's FIN before it sent its own closed second, so that CLOSING reads LAST_ACK and
// TIME_WAIT reads CLOSED.
//
// Four arrows of RFC 9293 figure 5 rest on an ACK that was seen, not known to
// be received: SYN_RECEIVED to ESTABLISHED, FIN_WAIT_1 to FIN_WAIT_2, CLOSING
// to TIME_WAIT, LAST_ACK to CLOSED. States reached by them are bounded until
// the end in question proves that it went there.
//
// Time is the trace's: every method that needs it is given it.
package fsm
