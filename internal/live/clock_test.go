package live_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The clock is set while the wire is silent: what did not come meanwhile is undecided after
// a step forward, and comes in its time after a step back. What comes later is not concerned.
func TestLoop_clockSet(t *testing.T) {
	const hour = 3600
	for _, c := range []struct {
		step    int64 // seconds
		before  detectors.Verdict
		warning string
	}{
		{600, detectors.Undecided, "set forward by 10m0s"},
		{2 * hour, detectors.Undecided, "set forward by 2h0m0s"},
		{-hour, detectors.Seen, "set back by 1h0m0s"},
	} {
		again := slices.Clone(lostFIN)
		for i := range again {
			again[i].after += float64(20 + c.step)
		}
		played := 0
		next := play(slices.Concat(lostFIN, again)...)
		s := &fakeSource{step: c.step * second}
		s.next = func() (int64, []byte) {
			at, data := next()
			if played++; played > len(lostFIN) && played <= 2*len(lostFIN) {
				s.after = true
				data = again[played-len(lostFIN)-1].frame(2)
			}
			return at, data
		}
		var warned []string
		reported := map[int64]time.Duration{} // after which time the first verdict came, by port
		r := s.run(t, 120, engine.Options{}, func(f result.Finding) {
			port := int64(f.Flow.End[reassembly.A].Port)
			if _, is := reported[port]; !is {
				reported[port] = time.Duration(s.runs)
			}
			if port == 1 && f.Absence != detectors.NoAbsence && f.Verdict != c.before {
				t.Errorf("step of %d s: %s is %v at first", c.step, f.Detector, f.Verdict)
			}
		}, func(text string) { warned = append(warned, text) })
		if len(warned) != 1 || !strings.Contains(warned[0], c.warning) || len(r.Captures[0].Warnings) != 1 {
			t.Errorf("step of %d s: warned %q", c.step, warned)
		}
		seen := map[uint16]detectors.Verdict{}
		for _, f := range r.Findings {
			if f.Detector == "unretransmitted-fin" {
				seen[f.Flow.End[reassembly.A].Port] = f.Verdict
			}
		}
		if seen[1] != c.before || seen[2] != detectors.Seen || len(seen) != 2 {
			t.Errorf("step of %d s: the first FIN is %v, the second %v, of %d", c.step, seen[1], seen[2], len(seen))
		}
		if reported[2] > 40*time.Second || reported[1] > 20*time.Second {
			t.Errorf("step of %d s: reported after %v", c.step, reported)
		}
	}
}

// With several interfaces, frames are kept in the order in which they came, also while the
// clock is set; after a step forward, the file says that something may be missing.
func TestRecorder_clockSet(t *testing.T) {
	for _, step := range []int64{3600, -3600, -2} {
		name := filepath.Join(t.TempDir(), "kept")
		keeper := &live.Keeper{Name: name, Interfaces: []pcapng.Interface{{Link: uint16(capture.LinkEthernet)}}}
		if err := keeper.Open(); err != nil {
			t.Fatal(err)
		}
		const frames = 60
		s := &fakeSource{now: 1000 * second, until: 1010 * second, step: step * second}
		n, since := int64(0), int64(0)
		s.next = func() (int64, []byte) {
			if n++; n > frames {
				return math.MaxInt64 / 2, nil
			}
			if n*second/10 >= 3*second {
				since, s.after = step*second, true
			}
			return 1000*second + n*second/10 + since, lostFIN[0].frame(uint32(n))
		}
		var warned []string
		r := &live.Recorder{Sources: []live.Source{s}, Names: []string{"fake"}, Keeper: keeper, Now: func() time.Time { return time.Unix(0, s.now) },
			Elapsed: func() time.Duration { return time.Duration(s.runs) }, Warn: func(text string) { warned = append(warned, text) }}
		s.stop = r.Stop
		if err := r.Run(); err != nil {
			t.Fatal(err)
		}
		files, _ := capture.OpenTrace([]string{name}, capture.Options{})
		defer files.Close()
		var fr capture.Frame
		for n := int64(1); ; n++ {
			if err := files.Next(&fr); err != nil {
				if n != frames+1 {
					t.Errorf("step of %d s: %d frames are kept of %d", step, n-1, frames)
				}
				break
			}
			var seg reassembly.Segment
			decode.New().Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg)
			if seg.Src.Port != uint16(n) {
				t.Errorf("step of %d s: frame %d is number %d", step, n, seg.Src.Port)
			}
		}
		if drops := files.Infos()[0].Drops; len(warned) != 1 || (drops > 0) != (step > 0) {
			t.Errorf("step of %d s: %d packets are lost, warned %q", step, drops, warned)
		}
	}
}
