package stats

import (
	"testing"
	"time"
)

// stamped is the rhythm of a file with frames at these distances.
func stamped(distances ...time.Duration) *Rhythm {
	r, at := new(Rhythm), int64(1e18)
	r.Frame(at)
	for _, d := range distances {
		at += int64(d)
		r.Frame(at)
	}
	return r
}

// times repeats distances.
func times(n int, distances ...time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, distances...)
	}
	return all
}

func TestBatches(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		distances []time.Duration
		want      time.Duration
	}{
		"every second":              {times(20, 0, 5*ms, 995*ms), 995 * ms},
		"too few":                   {times(19, 0, 5*ms, 995*ms), 0},
		"as short, as long":         {times(20, 20*ms, 200*ms), 200 * ms},
		"longer within a batch":     {append(times(20, 1000*ms), 21*ms), 0},
		"shorter between two":       {append(times(20, 1000*ms), 199*ms), 0},
		"differently far apart":     {times(10, 1000*ms, 3000*ms), 2000 * ms},
		"none is long":              {times(100, ms), 0},
		"so long that nobody knows": {times(20, 7000*ms), 7000 * ms},
	} {
		if got := stamped(c.distances...).Batches(); got != int64(c.want) {
			t.Errorf("%s: %v", name, time.Duration(got))
		}
	}
}

// Frames that are taken together show the same, as far as they are looked at.
func TestBatches_together(t *testing.T) {
	r, at := stamped(0), int64(1e18)
	for range 3 * maxRuns {
		if first := at + int64(time.Second/2); !r.Frames(2, first, first+int64(time.Millisecond)) {
			r.Frame(first)
			r.Frame(first + int64(time.Millisecond))
		}
		at += int64(time.Second/2 + time.Millisecond)
	}
	if got := r.Batches(); got != int64(time.Second/2) {
		t.Errorf("%v", time.Duration(got))
	}
	if n := r.batches.pauses; n != maxRuns {
		t.Errorf("%d pauses were looked at", n)
	}
}

func TestTrace_BatchedEvery(t *testing.T) {
	trace := Trace{Captures: []Capture{{}, {Batches: 1000}}}
	for _, c := range []struct {
		file    uint16
		instant uint64
		want    int64
	}{{1, 3, 1000}, {1, 2, 0}, {0, 3, 0}, {2, 3, 0}} {
		if got := trace.BatchedEvery(c.file, &Counts{Instant: c.instant}); got != c.want {
			t.Errorf("file %d, %d at once: %d", c.file, c.instant, got)
		}
	}
}
