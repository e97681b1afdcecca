package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func holeEnds(host, port int) [2]reassembly.Endpoint {
	return [2]reassembly.Endpoint{{Addr: [16]byte{15: byte(host)}, Port: uint16(port)}, {Addr: [16]byte{15: 99}, Port: 80}}
}

func holes(from, n int) (h Holes) {
	for i := from; i < from+n; i++ {
		h.Count(Hole{End: holeEnds(i%7, i), At: int64(i / 2)})
	}
	return h
}

// It does not matter in which order connections are added, nor how many holes there are.
func TestHoles_add(t *testing.T) {
	for _, n := range []int{10, maxHoles, maxHoles + 1} {
		a, b := holes(0, n/2), holes(0, n/2)
		first, second := holes(n/2, n-n/2), holes(n/2, n-n/2)
		a.Add(&first)
		second.Add(&b)
		if !reflect.DeepEqual(a, second) {
			t.Errorf("%d holes are not the same in another order", n)
		}
		if a.Many != (n > maxHoles) || !a.Many && len(a.List) != n {
			t.Errorf("%d holes: too many: %t; %d are known", n, a.Many, len(a.List))
		}
	}
}

// A hole counts for the hosts of its connection, in others of theirs, at its time.
func TestHoles_near(t *testing.T) {
	var h Holes
	h.Count(Hole{End: holeEnds(1, 1000), At: 50})
	server := reassembly.Endpoint{Addr: [16]byte{15: 99}, Port: 81}
	for _, c := range []struct {
		name     string
		ends     [2]reassembly.Endpoint
		both, is bool
		from, to int64
	}{
		{"another connection of the two", holeEnds(1, 1001), true, true, 50, 50},
		{"the other way round", [2]reassembly.Endpoint{server, holeEnds(1, 0)[0]}, true, true, 0, 100},
		{"the same connection", holeEnds(1, 1000), false, false, 0, 100},
		{"one of the two", holeEnds(2, 1000), false, true, 0, 100},
		{"one of the two, where both must be", holeEnds(2, 1000), true, false, 0, 100},
		{"others", [2]reassembly.Endpoint{holeEnds(2, 1)[0], holeEnds(3, 1)[0]}, false, false, 0, 100},
		{"later", holeEnds(1, 1001), true, false, 51, 100},
		{"earlier", holeEnds(1, 1001), true, false, 0, 49},
	} {
		if _, is := h.Near(&c.ends, c.both, c.from, c.to); is != c.is {
			t.Errorf("%s: %t", c.name, is)
		}
	}
}
