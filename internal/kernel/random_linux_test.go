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
	stories = flag.Int("stories", 0, "play so many random `stories`")
	seed    = flag.Uint64("seed", 1, "`number` of the first random story")
	stages  = flag.Int("stages", 60, "how many random stories are played at a `time`")
)

// TestRandomStories plays stories that nobody wrote: what each is made of is
// drawn by lot, and its number is the seed. The kernels' words are compared with
// the states that tcptrace derives, and its findings with what was done.
//
// A seed gives the same plot each time, not the same frames: kernels and this
// test run in real time. So the recording of each story that fails is kept if
// -record says where, with all that is known of it. Not every disagreement is a
// fault of tcptrace: the machine may have been slow, and what the tap did not see
// it cannot tell. They are there to be read.
func TestRandomStories(t *testing.T) {
	switch {
	case *stories == 0:
		t.Skip("skipped: asked for by -stories")
	case os.Geteuid() != 0:
		t.Skip("skipped: only root may make network namespaces")
	}
	dir := *record
	if dir == "" {
		dir = t.TempDir()
	}
	must(t, os.MkdirAll(dir, 0o755))
	var next atomic.Int64
	var all tally
	t.Run("stages", func(t *testing.T) {
		for i := range min(*stages, *stories) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				client, server := newHost(t, "client", clientAddr), newHost(t, "server", serverAddr)
				client.peer, server.peer = server, client
				w := newWire(t, client, server)
				for n := next.Add(1) - 1; n < int64(*stories); n = next.Add(1) - 1 {
					s := *seed + uint64(n)
					p := &plot{seed: s, r: rand.New(rand.NewPCG(s, 0)), w: w, sides: [2]*party{newParty(client), newParty(server)}}
					p.play(n)
					p.judge(t, filepath.Join(dir, fmt.Sprintf("%06d", s)), &all)
				}
			})
		}
	})
	all.tell(t)
}

// A tally counts what the stories came to.
type tally struct {
	sync.Mutex
	stories, stalled, moments, frames int
	findings                          map[string]int
	faults                            map[string][]uint64 // and in which stories
}

// add takes what a story came to.
func (a *tally) add(p *plot, findings, faults []string) {
	a.Lock()
	defer a.Unlock()
	if a.findings == nil {
		a.findings, a.faults = map[string]int{}, map[string][]uint64{}
	}
	a.stories++
	a.moments += len(p.moments)
	a.frames += len(p.w.frames)
	for _, f := range findings {
		a.findings[f]++
	}
	for _, f := range faults {
		a.faults[f] = append(a.faults[f], p.seed)
	}
}

func (a *tally) tell(t *testing.T) {
	t.Logf("%d stories with %d moments and %d frames; %d more were not judged, because the machine was slow", a.stories, a.moments, a.frames, a.stalled)
	for _, k := range slices.Sorted(maps.Keys(a.findings)) {
		t.Logf("%6d  %s", a.findings[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(a.faults)) {
		t.Errorf("%6d  %s: %v", len(a.faults[k]), k, a.faults[k][:min(8, len(a.faults[k]))])
	}
}
