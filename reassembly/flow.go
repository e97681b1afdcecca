package reassembly

import "bytes"

// Side is one end of a connection: A or B. Neither is special; which is the
// client is a matter of evidence (who sent the SYN).
type Side uint8

// The two sides.
const (
	A Side = 0
	B Side = 1
)

// Peer returns the other side.
func (s Side) Peer() Side { return s ^ 1 }

// String is "a" or "b".
func (s Side) String() string { return "ab"[s : s+1] }

// A Key names a four-tuple regardless of direction: Lo orders before Hi, by
// address and then port.
type Key struct{ Lo, Hi Endpoint }

// KeyOf returns the segment's key and whether its sender is the Lo end.
func KeyOf(seg *Segment) (k Key, fromLo bool) {
	c := bytes.Compare(seg.Src.Addr[:], seg.Dst.Addr[:])
	if c < 0 || c == 0 && seg.Src.Port <= seg.Dst.Port {
		return Key{seg.Src, seg.Dst}, true
	}
	return Key{seg.Dst, seg.Src}, false
}
