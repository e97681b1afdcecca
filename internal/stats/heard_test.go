package stats

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Nobody reached a host if no answer over TCP arrived at its address, and a host of another network was asked in vain, too. Times are in seconds.
func TestHosts_unreached(t *testing.T) {
	ip := func(b ...byte) [16]byte { return [16]byte{10: 0xff, 11: 0xff, 12: b[0], 13: b[1], 14: b[2], 15: b[3]} }
	own, peer, near, far := ip(192, 0, 2, 1), ip(10, 0, 0, 1), ip(10, 0, 9, 9), ip(10, 1, 0, 1)
	const second = int64(1e9)
	count := func(h *Hosts, other [16]byte, sent, heard int64, ttl uint8) {
		h.Count(reassembly.Endpoint{Addr: own}, &reassembly.Mark{At: sent * second, TTL: ttl}, nil, Span{50 * second, heard * second}, &other)
	}
	answered := func(h *Hosts, from, to int64) {
		h.Count(reassembly.Endpoint{Addr: own}, &reassembly.Mark{At: to * second, TTL: 64}, nil, Span{from * second, to * second}, nil)
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
		{"a connection that began later is answered", func(h *Hosts) { count(h, far, 120, 90, 64); answered(h, 131, 140) }, true},
		{"one that began before", func(h *Hosts) { count(h, far, 120, 90, 64); answered(h, 129, 140) }, false},
		{"answered before the other network was asked", func(h *Hosts) { count(h, far, 150, 90, 64); answered(h, 131, 140) }, false},
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
		if got := one.Unreached(own, peer, 100*second, 130*second); got != c.want {
			t.Errorf("%s: unreached is %t, want %t", c.name, got, c.want)
		}
		if !reflect.DeepEqual(one, back) {
			t.Errorf("%s: hosts are not the same in another order", c.name)
		}
	}
}

// Times are joined that are less than ten seconds apart, and longer gaps the longer it goes on: the same in any order.
func TestHost_hear(t *testing.T) {
	const second = int64(1e9)
	order := rand.New(rand.NewPCG(1, 2))
	var all []Span
	at := int64(0)
	for i := range int64(1000) {
		all = append(all, Span{at * second, (at + i%30) * second})
		at += 45
		if i%16 == 0 {
			at += 4000
		}
	}
	var want []Span
	for range 20 {
		var parts [3]Host
		for i, k := range order.Perm(len(all)) {
			parts[i*i%3].hear(all[k])
		}
		var h Host
		for i := range parts {
			for _, s := range parts[i].Heard {
				h.hear(s)
			}
		}
		if want == nil {
			want = h.Heard
		}
		if !slices.Equal(h.Heard, want) {
			t.Fatal("what is remembered depends on the order")
		}
	}
	if n := len(want); n != 64 { // around the long gaps
		t.Errorf("%d times are remembered", n)
	}
	var h Host
	h.hear(Span{100 * second, 110 * second})
	h.hear(Span{0, 95 * second})
	h.hear(Span{120 * second, 121 * second})
	if want := []Span{{0, 110 * second}, {120 * second, 121 * second}}; !reflect.DeepEqual(h.Heard, want) {
		t.Errorf("remembered %v, want %v", h.Heard, want)
	}
}
