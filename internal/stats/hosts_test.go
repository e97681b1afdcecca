package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func hosts(from, n int) (h Hosts) {
	for i := range n {
		end := reassembly.Endpoint{Addr: [16]byte{14: byte((from + i) >> 8), 15: byte(from + i)}}
		h.Count(end, &reassembly.Mark{At: int64(from + i + 1), TTL: 64}, 0, 0, nil)
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
	h.Count(end, &reassembly.Mark{At: 100, TTL: 64}, 0, 0, nil)
	h.Count(end, &reassembly.Mark{At: 90, TTL: 64}, 0, 0, nil)
	h.Count(end, &reassembly.Mark{At: 200, TTL: 63}, 0, 0, nil)
	h.Count(end, &reassembly.Mark{TTL: 62}, 0, 0, nil) // no segment
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

// Nobody reached a host if nothing arrived at its address, and a host of another network that had answered before was asked
// in vain, too.
func TestHosts_unreached(t *testing.T) {
	ip := func(b ...byte) [16]byte { return [16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]} }
	own, peer, near, far := ip(192, 0, 2, 1), ip(10, 0, 0, 1), ip(10, 0, 9, 9), ip(10, 1, 0, 1)
	count := func(h *Hosts, other [16]byte, sent, heard int64, ttl uint8) {
		h.Count(reassembly.Endpoint{Addr: own}, &reassembly.Mark{At: sent, TTL: ttl}, heard, 0, &other)
	}
	for _, c := range []struct {
		name   string
		others func(h *Hosts)
		want   bool
	}{
		{"another network is silent, too", func(h *Hosts) { count(h, far, 120, 90, 64) }, true},
		{"with another TTL", func(h *Hosts) { count(h, far, 120, 90, 63) }, true},
		{"the same network", func(h *Hosts) { count(h, near, 120, 90, 64) }, false},
		{"asked before", func(h *Hosts) { count(h, far, 100, 90, 64) }, false},
		{"never answered", func(h *Hosts) { count(h, far, 120, 0, 64) }, false},
		{"something arrives", func(h *Hosts) { count(h, far, 120, 101, 64) }, false},
		{"three networks", func(h *Hosts) { count(h, ip(10, 2, 0, 1), 121, 90, 64); count(h, ip(10, 3, 0, 1), 122, 90, 64) }, true},
		{"nobody else is asked", func(*Hosts) {}, false},
	} {
		var one, two Hosts
		count(&one, peer, 130, 80, 64)
		c.others(&two)
		other := two
		one.Add(&two)
		var back Hosts
		back.Add(&other)
		count(&back, peer, 130, 80, 64)
		if got := one.Unreached(own, peer, 100); got != c.want {
			t.Errorf("%s: unreached is %t, want %t", c.name, got, c.want)
		}
		if !reflect.DeepEqual(one, back) {
			t.Errorf("%s: hosts are not the same in another order", c.name)
		}
	}
}
