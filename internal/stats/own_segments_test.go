package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is remembered of a host does not depend on the order in which its segments come, nor on who counted them.
func TestHosts_ownSegments(t *testing.T) {
	addr := [16]byte{15: 1}
	for _, n := range []int{10, maxOwnSegments, 5 * maxOwnSegments} {
		var a, b, odd Hosts
		count := func(h *Hosts, i int) {
			s := OwnSegment{At: int64(i+1) * 7e8, Frame: uint32(i + 1)}
			h.Count(reassembly.Endpoint{Addr: addr}, &reassembly.Mark{At: s.At, TTL: 64}, []OwnSegment{s}, Span{}, nil)
		}
		for i := range n {
			count(&a, i)
		}
		for i := n - 1; i >= 0; i-- {
			if i%2 == 0 {
				count(&b, i)
			} else {
				count(&odd, i)
			}
		}
		odd.Add(&b)
		if !reflect.DeepEqual(a, odd) {
			t.Errorf("%d segments are not the same in another order", n)
		}
		if got := len(a.Seen[0].Own); got > maxOwnSegments || got < min(n, maxOwnSegments)/2 {
			t.Errorf("%d of %d segments are remembered", got, n)
		}
	}
}

// One is during a time if it is not at its beginning, and after it if not at its end; what the asking device sent is none.
func TestHosts_SentAround(t *testing.T) {
	var h Hosts
	addr, second := [16]byte{15: 1}, int64(1e9)
	for frame, at := range []int64{10 * second, 20 * second, 30 * second, 40 * second} {
		s := OwnSegment{At: at, Frame: uint32(frame), By: uint8(1 + frame%2)}
		h.Count(reassembly.Endpoint{Addr: addr}, &reassembly.Mark{At: at, TTL: uint8(60 + frame)}, []OwnSegment{s}, Span{}, nil)
	}
	for _, c := range []struct {
		from, to      int64
		asks          uint8
		during, after int64
	}{
		{10, 30, 0, 30, 40}, {10, 29, 0, 20, 30}, {20, 29, 0, 0, 30}, {9, 19, 0, 10, 20}, {40, 50, 0, 0, 0}, {9, 29, 2, 10, 30},
	} {
		during, after := h.SentAround(addr, c.from*second, c.to*second, c.asks)
		if during.At != c.during*second || after.At != c.after*second {
			t.Errorf("from %d to %d: seen at %d and %d, want %d and %d", c.from, c.to, during.At/second, after.At/second, c.during, c.after)
		}
	}
}
