package taps

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A distance is what a test knows of two clocks and the way between.
type distance struct {
	offset, step time.Duration
	stepAt       time.Duration
	skew         float64 // ppm
	least        [2]time.Duration
	jitter       time.Duration
	stalls       bool // a busy machine holds back some by up to 200 ms
}

// later is by how much the other clock is later at a time of the first.
func (p *distance) later(at int64) int64 {
	d := int64(p.offset) + int64(math.Round(p.skew*1e-6*float64(at)))
	if p.step != 0 && at >= int64(p.stepAt) {
		d += int64(p.step)
	}
	return d
}

// samples are what two taps see of requests and their answers, one every 150 ms.
func (p *distance) samples(r *rand.Rand, exchanges int) (all []sample) {
	delay := func(way int) int64 {
		d := int64(p.least[way]) + int64(min(r.ExpFloat64(), 20)*float64(p.jitter))
		if p.stalls && r.IntN(8) == 0 {
			d += r.Int64N(int64(200 * time.Millisecond))
		}
		return d
	}
	for n := range exchanges {
		sent := int64(n) * int64(150*time.Millisecond)
		for range 1 + r.IntN(8) {
			sent += int64(20 * time.Microsecond)
			arrived := sent + delay(0)
			all = append(all, sample{at: sent, apart: arrived + p.later(sent) - sent, forward: true, first: int32(len(all))})
		}
		answered := sent + delay(0)
		for range 1 + r.IntN(8) {
			answered += int64(20 * time.Microsecond)
			back := answered + delay(1)
			// The other tap saw it first, at its own time.
			all = append(all, sample{at: back, apart: answered + p.later(back) - back, first: int32(len(all))})
		}
	}
	return all
}

func nowhere(_, _ *sample) string { return "" }

// TestEstimate_true holds offsets against clocks that are known: whatever the delays,
// also those of a machine that is busy, the truth lies within the uncertainty.
func TestEstimate_true(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	steps := 0
	for n := range 1000 {
		p := &distance{offset: time.Duration(r.Int64N(int64(3 * time.Hour))), skew: 400 * (r.Float64() - 0.5),
			jitter: time.Duration(math.Pow(10, 3+4*r.Float64()))} // 1 us to 10 ms
		for way := range p.least {
			p.least[way] = time.Duration(r.Int64N(int64(20*time.Millisecond))) * time.Duration(r.IntN(2))
		}
		if n%3 == 0 {
			p.step, p.stepAt = 250*time.Millisecond, time.Duration(r.Int64N(int64(4*time.Second)))
		}
		p.stalls = n%4 == 3
		samples := p.samples(r, 4+r.IntN(30))
		c := estimate(samples, 2, nowhere)
		last := samples[len(samples)-1].at
		check := func(k *result.Clock, at int64) {
			t.Helper()
			if !k.HasOffset && p.stalls && p.step != 0 {
				return
			}
			if !k.HasOffset {
				t.Fatalf("%d: no offset: %+v", n, p)
			}
			got := k.Offset + int64(math.Round(k.Skew*1e-6*float64(at-c.epoch)))
			if off := max(got-p.later(at), p.later(at)-got); off > k.Uncertainty+1 {
				t.Fatalf("%d: offset %v within %v, want %v: %+v", n, time.Duration(got), time.Duration(k.Uncertainty), time.Duration(p.later(at)), p)
			}
		}
		if p.step != 0 && (p.stepAt < 300*time.Millisecond || int64(p.stepAt) > last-int64(600*time.Millisecond) || p.jitter > 4*time.Millisecond) {
			continue // too little before or after, or two delays that differ as much
		}
		check(&c.whole, c.epoch)
		if p.step == 0 {
			if len(c.parts) > 0 {
				t.Fatalf("%d: steps %+v: %+v", n, c.parts, p)
			}
			continue
		}
		if p.stalls {
			for i := range c.parts {
				check(&c.parts[i].Clock, c.parts[i].From)
			}
			continue
		}
		steps++
		if len(c.parts) != 1 {
			t.Fatalf("%d: steps %+v: %+v", n, c.parts, p)
		}
		check(&c.parts[0].Clock, c.parts[0].From)
	}
	if steps < 70 {
		t.Errorf("only %d steps", steps)
	}
}

// TestEstimate_impossible shows what no clock and few steps explain: no offset is given.
func TestEstimate_impossible(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := &distance{least: [2]time.Duration{time.Millisecond, time.Millisecond}, jitter: 100 * time.Microsecond}
	samples := p.samples(r, 40)
	for i := range samples {
		samples[i].apart += int64(r.IntN(2)) * int64(time.Second)
	}
	if c := estimate(samples, 2, nowhere); c.whole.HasOffset {
		t.Errorf("offset %v within %v", time.Duration(c.whole.Offset), time.Duration(c.whole.Uncertainty))
	}
}
