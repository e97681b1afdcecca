// Package waits accounts for the time of a connection: every moment belongs to exactly
// one wait, what had to happen before anything could go on.
//
// An Account is given every segment once, after fsm. It attributes only at events, and
// each attribution gives away all of the time since the last one, so the waits add up to
// the duration of the connection exactly. Which wait it was is decided when the gap ends,
// since only then is it known who ended it:
//
//   - by payload of the side that had sent last: the window was full, it waited for ACKs,
//     or its application had nothing to send (continued);
//   - by payload of the other side: the network until what it answers had arrived, and
//     then its application (answered);
//   - by a segment sent again: loss, beyond one round trip (hole.go);
//   - by no payload: idle, closing, or an answer that did not come (end.go).
//
// What a side knew when it sent something is what had passed the tap a round trip
// between tap and side before (knowledge.go).
package waits
