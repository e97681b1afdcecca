package engine

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Below 256 MB no garbage is collected, so a run takes at peak what it allocates in all: what is
// allocated for a connection more, and then kept or not, must not grow unseen. Connections that
// close in order leave a compact record, those that do not also what watched them.
func TestRun_allocatesLittleForAConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		detectors []*detectors.Detector
		time      bool
		most      int64 // bytes
	}{
		"no detectors": {most: 150},
		"all":          {detectors: catalogue.All, most: 650},
		"--time":       {detectors: catalogue.All, time: true, most: 2600},
	} {
		few, size := allocated(t, 30_000, Options{Detectors: tt.detectors, Time: tt.time})
		more, grown := allocated(t, 120_000, Options{Detectors: tt.detectors, Time: tt.time})
		if each := (grown - size) / (more - few); each > tt.most {
			t.Errorf("%s: %d bytes are allocated for a connection, want %d at most", name, each, tt.most)
		}
	}
}

// Whoever wants to collect garbage is told before any connection ends, and when three sixteenths, half and all have: what is only needed while they are
// open makes room for findings.
func TestRun_ending(t *testing.T) {
	calls := 0
	o := Options{Detectors: catalogue.All, Ending: func() { calls++ }}
	if connections, _ := allocated(t, 30_000, o); connections < partitions || calls != 4 {
		t.Errorf("told %d times of the end of %d connections, want four times", calls, connections)
	}
}

// A flood of connections that stay open, each with a request, a FIN that is lost, and a finding: what one more
// takes at the peak, when all of them have findings, is bounded. Most findings are only counted.
func TestPartition_flood(t *testing.T) {
	const most = 2600 // bytes
	few, more := flooded(t, 2000), flooded(t, 6000)
	if each := (more - few) / 4000; each > most {
		t.Errorf("a connection more takes %d bytes, want %d at most", each, most)
	} else {
		t.Logf("a connection more takes %d bytes", each)
	}
}

// flooded is how much memory a partition has in use with so many of these.
func flooded(t *testing.T, n int) int64 {
	f := newFeeder()
	const ack = reassembly.ACK
	phases := []func(){
		func() {
			f.open()
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 100, Flags: ack, Window: 1000})
			f.give(true, reassembly.Segment{Seq: 1, Ack: 101, Flags: ack, Window: 1000})
		},
		func() { f.give(true, reassembly.Segment{Seq: 1, Ack: 101, Flags: ack | reassembly.FIN, Window: 1000}) },
		func() { f.give(false, reassembly.Segment{Seq: 101, Ack: 1, Flags: ack, Window: 1000}) },
	}
	before := inUse()
	for _, give := range phases {
		f.client = 1000
		for range n {
			f.client++
			give()
		}
		f.position += 20_000
	}
	used := inUse() - before
	end := int64(f.position) * 1e6
	r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
	if g := r.Totals.Groups; len(g) != 1 || g[0].N != uint64(n) {
		t.Errorf("%d connections have findings %+v", n, g)
	}
	return used
}

// inUse is how much of the heap is in use.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocated is how many bytes the analysis of so many frames of short connections allocates,
// and how many connections these are.
func allocated(t *testing.T, frames int64, o Options) (connections, size int64) {
	var file bytes.Buffer
	if _, err := tracegen.Write(&file, tracegen.Spec{Frames: frames, Flows: 500, Web: true, Snap: 96, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	files, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: &file})
	for _, err := range errs {
		t.Fatal(err)
	}
	defer files.Close()
	o.Workers = 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := Run(context.Background(), files, o)
	runtime.ReadMemStats(&after)
	return int64(r.Totals.Flows), int64(after.TotalAlloc - before.TotalAlloc)
}
