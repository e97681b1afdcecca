// Package reassembly is the arithmetic of sequence space: what each side of a
// connection has put into it, as far as a tap can know.
//
// A [Segment] is what was seen, a [Stream] is one direction's account:
//
//	 UNA            NXT             EDGE
//	--|==============|---------------|----> sequence space of one direction
//	   sent, unacked   may be sent
//
// UNA is the highest acknowledgment of the peer, NXT the end of the furthest
// segment seen, EDGE the right edge of the window that the peer offers (RFC
// 9293 3.3.1). No payload is kept: the tool looks at conversations, not contents.
package reassembly
