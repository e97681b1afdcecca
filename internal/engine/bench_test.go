package engine

import (
	"context"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// benched is a capture of many connections at a time.
func benched(b *testing.B, frames int64) string {
	name, _ := trace(b, tracegen.Spec{Frames: frames, Flows: 20_000, Snap: 96, Seed: 1})
	return name
}

// kinds are captures that take different ways through the analysis.
var kinds = map[string]tracegen.Spec{
	"long":  {Flows: 20_000, Snap: 96, Seed: 1},
	"short": {Flows: 20_000, Snap: 96, Web: true, Seed: 1},
	"loss":  {Flows: 20_000, Snap: 96, Loss: 0.05, Seed: 1},
}

func perSegment(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/segment")
}

// BenchmarkRun is a whole analysis: reading, decoding, following connections. The compiler's
// profile is made of it.
func BenchmarkRun(b *testing.B) {
	const frames = 500_000
	for kind, spec := range kinds {
		b.Run(kind, func(b *testing.B) {
			spec.Frames = frames
			name, _ := trace(b, spec)
			b.ReportAllocs()
			for b.Loop() {
				trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
				if errs != nil {
					b.Fatal(errs)
				}
				Run(context.Background(), trace, Options{Detectors: catalogue.All})
			}
			perSegment(b, frames)
		})
	}
}

// BenchmarkWorker is one worker alone: lookup, step, detectors.
func BenchmarkWorker(b *testing.B) {
	const frames = 500_000
	segs := segments(b, benched(b, frames))
	b.ReportAllocs()
	for b.Loop() {
		o := &Options{Detectors: catalogue.All}
		o.defaults()
		w := &worker{seed: flow.NewSeed(), options: o}
		for p := range w.own {
			w.own[p] = true
		}
		bt := new(batch)
		for i := range segs {
			bt.segs[bt.n] = segs[i]
			w.seed.Hashes(segs[i:i+1], bt.hashes[bt.n:bt.n+1])
			if bt.place(bt.n, bt.n+1, uint64(i)+1); bt.n == batchSize || i == len(segs)-1 {
				w.process(bt)
				bt.n = 0
			}
		}
	}
	perSegment(b, len(segs))
}

func segments(b testing.TB, name string) (segs []reassembly.Segment) {
	b.Helper()
	trace, _ := capture.OpenTrace([]string{name}, capture.Options{})
	d := decode.New()
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		var s reassembly.Segment
		if d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &s) == decode.OK {
			s.At, s.Frame = fr.At, fr.Num
			segs = append(segs, s)
		}
	}
	return segs
}
