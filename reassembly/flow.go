package reassembly

import "encoding/binary"

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
	if seg.Dst.before(&seg.Src) {
		return Key{seg.Dst, seg.Src}, false
	}
	return Key{seg.Src, seg.Dst}, true
}

func (e *Endpoint) before(f *Endpoint) bool {
	for i := 0; i < len(e.Addr); i += 8 {
		if a, b := binary.BigEndian.Uint64(e.Addr[i:]), binary.BigEndian.Uint64(f.Addr[i:]); a != b {
			return a < b
		}
	}
	return e.Port < f.Port
}
