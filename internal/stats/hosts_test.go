package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func hosts(from, n int) (h Hosts) {
	for i := range n {
		end := reassembly.Endpoint{Addr: [16]byte{14: byte((from + i) >> 8), 15: byte(from + i)}}
		h.Count(end, &reassembly.Mark{At: int64(from + i + 1), TTL: 64}, nil, Span{}, nil)
	}
	return h
}

// It does not matter in which order connections are added, nor how many there are.
func TestHosts_add(t *testing.T) {
	for _, n := range []int{10, MaxHosts, MaxHosts + 1} {
		a, b := hosts(0, n/2), hosts(0, n/2)
		first, second := hosts(n/2, n-n/2), hosts(n/2, n-n/2)
		a.Add(&first)
		second.Add(&b)
		if !reflect.DeepEqual(a, second) {
			t.Errorf("%d hosts are not the same in another order", n)
		}
		if a.Many != (n > MaxHosts) || !a.Many && a.Last() != int64(n) {
			t.Errorf("%d hosts: too many: %t; the last was seen at %d", n, a.Many, a.Last())
		}
	}
}

// A host is an address and a TTL, and was last seen in whichever connection was the latest.
func TestHosts_lastOf(t *testing.T) {
	h := hosts(0, 10)
	end := reassembly.Endpoint{Addr: [16]byte{15: 3}}
	h.Count(end, &reassembly.Mark{At: 100, TTL: 64}, nil, Span{}, nil)
	h.Count(end, &reassembly.Mark{At: 90, TTL: 64}, nil, Span{}, nil)
	h.Count(end, &reassembly.Mark{At: 200, TTL: 63}, nil, Span{}, nil)
	h.Count(end, &reassembly.Mark{TTL: 62}, nil, Span{}, nil) // no segment
	for ttl, want := range map[uint8]int64{64: 100, 63: 200, 62: 0} {
		if at := h.LastOf(end.Addr, ttl); at != want {
			t.Errorf("with TTL %d, it was last seen at %d, want %d", ttl, at, want)
		}
	}
}

// A relay is known by its client and its TTL.
func TestHosts_relayed(t *testing.T) {
	client := reassembly.Endpoint{Addr: [16]byte{15: 3}}
	var h, sum Hosts
	h.Relay(client, &reassembly.Mark{At: 1, TTL: 64})
	sum.Add(&h)
	if !sum.Relayed(client.Addr, 64) || sum.Relayed(client.Addr, 63) || sum.Relayed([16]byte{15: 4}, 64) {
		t.Error("a relay is not what it was counted as")
	}
}
