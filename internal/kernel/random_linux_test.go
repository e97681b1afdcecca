package kernel

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	cases    = flag.Int("random", 0, "run so many random `cases`")
	seed     = flag.Uint64("seed", 1, "`number` of the first random case")
	parallel = flag.Int("at-a-time", 60, "`number` of random cases at a time")
)

// TestRandom runs random cases, whose number is the seed. It compares the kernels'
// states with those that tcptrace derives, and its findings with what was done.
//
// A seed gives the same actions each time, but not the same frames, because kernels
// and this test run in real time. So -record keeps the recording of each case that
// fails, with everything that is known about it. Not every disagreement is a fault
// of tcptrace: the machine may have been slow, and the tap may have missed frames.
// Somebody has to read them.
func TestRandom(t *testing.T) {
	switch {
	case *cases == 0:
		t.Skip("skipped: needs -random")
	case os.Geteuid() != 0:
		t.Skip("skipped: only root may create network namespaces")
	}
	dir := *record
	if dir == "" {
		dir = t.TempDir()
	}
	must(t, os.MkdirAll(dir, 0o755))
	k, err := newTracer(t)
	if err != nil {
		t.Logf("the kernel's reasons are not compared: %v", err)
	}
	var next atomic.Int64
	var all summary
	t.Run("cases", func(t *testing.T) {
		for i := range min(*parallel, *cases) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				client, server := newHost(t, "client", clientAddr), newHost(t, "server", serverAddr)
				client.peer, server.peer = server, client
				w := newWire(t, client, server)
				for n := next.Add(1) - 1; n < int64(*cases); n = next.Add(1) - 1 {
					s := *seed + uint64(n)
					p := &randomCase{seed: s, r: rand.New(rand.NewPCG(s, 0)), w: w, kernel: k, sides: [2]*app{newApp(client), newApp(server)}}
					p.run(n)
					p.check(t, filepath.Join(dir, fmt.Sprintf("%06d", s)), &all)
				}
			})
		}
	})
	if k != nil {
		t.Logf("of the kernel's events, %d were lost, %d passed over", k.reader.Lost(), k.reader.Missed())
	}
	all.print(t)
}

// A summary counts the results of all cases.
type summary struct {
	sync.Mutex
	cases, stalled, moments, frames int
	findings                        map[string]int
	faults                          map[string][]uint64 // and in which cases
	reasons                         map[string]int      // of the kernel, beside our causes
	besides                         map[string]*besides
	resent                          [3]int // what the kernels say that they sent again, what their counters do, and what tcptrace counts
}

// add adds the results of a case.
func (a *summary) add(p *randomCase, findings, faults []string) {
	a.Lock()
	defer a.Unlock()
	if a.findings == nil {
		a.findings, a.faults = map[string]int{}, map[string][]uint64{}
	}
	a.cases++
	a.moments += len(p.moments)
	a.frames += len(p.w.frames)
	for _, f := range findings {
		a.findings[f]++
	}
	for _, f := range faults {
		a.faults[f] = append(a.faults[f], p.seed)
	}
}

func (a *summary) print(t *testing.T) {
	t.Logf("%d cases with %d moments and %d frames; %d more were not checked, because the machine was slow", a.cases, a.moments, a.frames, a.stalled)
	for _, k := range slices.Sorted(maps.Keys(a.findings)) {
		t.Logf("%6d  %s", a.findings[k], k)
	}
	if a.reasons != nil {
		t.Logf("the kernels say of %d segments that they sent them again, their counters of %d; tcptrace counts %d retransmissions at the tap", a.resent[0], a.resent[1], a.resent[2])
	}
	for _, k := range slices.Sorted(maps.Keys(a.besides)) {
		t.Logf("%s: %v", k, a.besides[k])
	}
	for _, k := range slices.Sorted(maps.Keys(a.reasons)) {
		t.Logf("%6d  %s", a.reasons[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(a.faults)) {
		t.Errorf("%6d  %s: %v", len(a.faults[k]), k, a.faults[k][:min(8, len(a.faults[k]))])
	}
}
