package flow

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Each frame of a burst is captured once more, in the same order and half a
// millisecond later.
func TestDuplicates(t *testing.T) {
	for _, c := range []struct {
		name   string
		burst  int
		step   reassembly.Seq // from one segment's number to the next's
		missed uint64         // while the cache has not grown to what it needs
	}{
		{"the same ACK, again and again", 40, 0, 0},
		{"a hundred different segments", 100, 1000, 2},
		{"two thousand", 2000, 1000, 50},
	} {
		d := newDriver(10)
		var f *Flow
		process := func(i int, at int64, ttl uint8) {
			seg := reassembly.Segment{At: at, Frame: 1, Seq: 1 + reassembly.Seq(i)*c.step, Ack: 1, Flags: reassembly.ACK, IPID: uint16(i) + 1,
				TTL: ttl, Src: reassembly.Endpoint{Port: 1}, Dst: reassembly.Endpoint{Port: 2}}
			f = d.At(d.process(&seg, d.Hashes(&seg)))
		}
		process(0, 1e9, 64) // that the capture holds duplicates shows early
		process(0, 1e9+1, 63)
		const lag = 500_000
		gap := int64(2 * lag / c.burst)
		for i, j := 1, 1; j <= c.burst; i++ {
			at := 2e9 + int64(i)*gap
			if i <= c.burst {
				process(i, at, 64)
			}
			for ; j <= c.burst && 2e9+int64(j)*gap+lag <= at; j++ {
				process(j, at, 63)
			}
		}
		if want := uint64(c.burst) + 1; f.Duplicates()+c.missed < want {
			t.Errorf("%s: %d duplicates of %d were recognised", c.name, f.Duplicates(), want)
		}
		if n := len(d.duplicates.buckets); n > maxBuckets {
			t.Errorf("%s: %d buckets of frames are remembered, more than %d", c.name, n, maxBuckets)
		}
		if want := uint64(c.burst) + 1 + f.Duplicates(); f.Frames() < want {
			t.Errorf("%s: %d frames, want at least %d", c.name, f.Frames(), want)
		}
	}
}

// Without an IPv4 ID, a frame that looks like the one before counts as captured twice
// only where most of the connection's are.
func TestDuplicates_withoutID(t *testing.T) {
	for _, c := range []struct {
		name  string
		every int // how many different frames there are for one that looks like the last
		want  uint64
	}{
		{"each frame twice", 1, 60},
		{"each second frame twice", 2, 0},
		{"each tenth", 10, 0},
	} {
		d := newDriver(10)
		var f *Flow
		for i := 1; i <= 60; i++ {
			seg := reassembly.Segment{At: int64(i) * 1e6, Frame: 1, Seq: reassembly.Seq(i) * 1000, Ack: 1, Flags: reassembly.ACK,
				TTL: 64, Src: reassembly.Endpoint{Port: 1}, Dst: reassembly.Endpoint{Port: 2}}
			for copies := 0; copies == 0 || copies == 1 && i%c.every == 0; copies++ {
				f = d.At(d.process(&seg, d.Hashes(&seg)))
			}
		}
		if f.Duplicates() != c.want {
			t.Errorf("%s: %d duplicates, want %d", c.name, f.Duplicates(), c.want)
		}
	}
}
