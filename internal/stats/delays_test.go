package stats

import (
	"reflect"
	"testing"
)

func delays(from, n int) (d Delays) {
	for i := from; i < from+n; i++ {
		d.Count(Delay{From: [16]byte{15: byte(i % 7)}, Start: int64(i / 2), End: int64(i)})
	}
	return d
}

// It does not matter in which order connections are added, nor how many delays there are.
func TestDelays_add(t *testing.T) {
	for _, n := range []int{10, maxDelays, maxDelays + 1} {
		a, b := delays(0, n/2), delays(0, n/2)
		first, second := delays(n/2, n-n/2), delays(n/2, n-n/2)
		a.Add(first)
		second.Add(b)
		if !reflect.DeepEqual(a, second) || len(a) != min(n, maxDelays) {
			t.Errorf("%d delays are not the same in another order, or not the first ones: %d", n, len(a))
		}
	}
}

// An answer that came at the same time, from another host, and as late.
func TestDelays_with(t *testing.T) {
	one, two := [16]byte{1}, [16]byte{2}
	for _, c := range []struct {
		name       string
		to         [16]byte
		start, end int64
		is         bool
	}{
		{"the same time", two, 0, 1000, true},
		{"the same host", one, 0, 1000, false},
		{"half of it", two, 500, 1000, true},
		{"less than half", two, 501, 1000, false},
		{"a quarter earlier", two, 0, 750, true},
		{"more than a quarter earlier", two, 0, 749, false},
		{"a quarter later", two, 500, 1250, true},
		{"more than a quarter later", two, 500, 1251, false},
	} {
		d := Delays{{To: c.to, Start: c.start, End: c.end, Frame: 7}}
		if frame, is := d.With(one, 0, 1000); is != c.is || is && frame != 7 {
			t.Errorf("%s: %t", c.name, is)
		}
	}
}
