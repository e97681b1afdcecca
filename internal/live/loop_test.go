package live_test

import (
	"flag"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const second = int64(time.Second)

// A fakeSource is a source with a clock: frames come at their time, and time passes
// while the loop waits.
type fakeSource struct {
	now   int64
	next  func() (at int64, data []byte) // returns the next frame
	at    int64
	data  []byte
	drops uint64
	late  int64 // how long frames take until they can be read
	until int64
	gone  int64 // when the interface disappears; 0 for never
	step  int64 // by how much the clock is set at second 1003
	after bool  // the next frame comes after that
	runs  int64 // nanoseconds, whatever the clock says
	stop  func()
}

func (s *fakeSource) Next(fr *capture.Frame) bool {
	if s.data == nil {
		s.at, s.data = s.next()
	}
	if s.at+s.late > s.now || s.step != 0 && s.after {
		return false
	}
	*fr = capture.Frame{At: s.at, Data: s.data, Len: len(s.data), Link: capture.LinkEthernet}
	s.data = nil
	return true
}

func (s *fakeSource) Match(*capture.Frame) bool { return true }
func (s *fakeSource) Wake()                     {}
func (s *fakeSource) Drops() uint64             { return s.drops }

func (s *fakeSource) Wait(d time.Duration) string {
	s.now += int64(d)
	s.runs += int64(d)
	if s.step != 0 && s.runs >= 3*second {
		s.now += s.step
		s.until += s.step
		s.step = 0
	}
	if s.now >= s.until {
		s.stop()
	}
	if s.gone != 0 && s.now >= s.gone {
		s.gone = 0
		return "the interface is gone"
	}
	return ""
}

// run runs a loop over the source, for so many seconds.
func (s *fakeSource) run(t *testing.T, seconds int64, o engine.Options, report func(result.Finding), warn func(string)) *result.Report {
	t.Helper()
	s.now, s.until = 1000*second, (1000+seconds)*second
	o.Detectors = catalogue.All
	loop := &live.Loop{
		Source: s, Engine: engine.NewLive(o, report), Now: func() time.Time { return time.Unix(0, s.now) }, Warn: warn,
		Elapsed: func() time.Duration { return time.Duration(s.runs) },
		Input:   result.Capture{File: "fake"},
	}
	s.stop = loop.Stop
	r, err := loop.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A sent is a segment between a client and a server.
type sent struct {
	after  float64 // seconds after 1000
	server bool
	flags  reassembly.Flags
	seq    reassembly.Seq
	ack    reassembly.Seq
	window uint16
}

func play(segments ...sent) func() (int64, []byte) {
	return func() (int64, []byte) {
		if len(segments) == 0 {
			return math.MaxInt64 / 2, []byte{}
		}
		a := segments[0]
		segments = segments[1:]
		return 1000*second + int64(a.after*1e9), a.frame(1)
	}
}

// frame is the segment as a frame of the n-th connection.
func (a *sent) frame(n uint32) []byte {
	client := reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 10, 13: byte(n >> 24), 14: byte(n >> 16), 15: 1}, Port: uint16(n)}
	server := reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 10, 13: 0, 14: 0, 15: 2}, Port: 443}
	seg := reassembly.Segment{Src: client, Dst: server, Seq: a.seq, Ack: a.ack, Flags: a.flags, Window: a.window, TTL: 64}
	if a.server {
		seg.Src, seg.Dst = server, client
	}
	frame, _ := packet.Append(nil, &seg, packet.Form{})
	return frame
}

const (
	syn = reassembly.SYN
	ack = reassembly.ACK
	fin = reassembly.FIN
)

// lostFIN is a server's FIN that the client does not receive, as its next ACK shows.
// Nothing comes afterwards.
var lostFIN = []sent{
	{0, false, syn, 99, 0, 1000}, {0.01, true, syn | ack, 499, 100, 1000}, {0.02, false, ack, 100, 500, 1000},
	{0.1, true, fin | ack, 500, 100, 1000},
	{2, false, ack, 100, 500, 1000},
}

// TestLoop_deadline: without frames, the finding is reported when its deadline has
// passed and all frames up to it must have come, and not earlier.
func TestLoop_deadline(t *testing.T) {
	s := &fakeSource{next: play(lostFIN...), late: int64(live.Delay) - 1}
	var reported []time.Duration
	s.run(t, 120, engine.Options{}, func(f result.Finding) {
		if f.Detector == "unretransmitted-fin" && !f.Final {
			reported = append(reported, time.Duration(s.now-f.At))
		}
	}, func(text string) { t.Error(text) })
	if len(reported) != 1 || reported[0] < live.Delay || reported[0] > live.Delay+100*time.Millisecond {
		t.Errorf("reported %v after the deadline, want once within 100 ms of %v", reported, live.Delay)
	}
}

// TestLoop_outage: the ACK may have come while the interface was away.
func TestLoop_outage(t *testing.T) {
	s := &fakeSource{next: play(lostFIN...), gone: 1003 * second}
	r := s.run(t, 120, engine.Options{}, func(result.Finding) {}, func(string) {})
	for _, f := range r.Findings {
		if f.Absence != 0 && f.Verdict != detectors.Undecided || f.Absence != 0 && !strings.HasPrefix(f.Reason, "kernel-drops") {
			t.Errorf("%s is %v though the interface was away: %q", f.Detector, f.Verdict, f.Reason)
		}
	}
	if c := r.Captures[0]; len(r.Findings) == 0 || c.Drops != 1 || len(c.Warnings) != 1 {
		t.Errorf("%d findings, %d drops, warnings %q", len(r.Findings), c.Drops, c.Warnings)
	}
}

// TestLoop_lastFrames: frames sent before the end count, even if they are read
// later; frames sent after the end do not.
func TestLoop_lastFrames(t *testing.T) {
	s := &fakeSource{next: play(lostFIN[0], sent{9.99, true, syn | ack, 499, 100, 1000}, sent{10.2, false, ack, 100, 500, 1000}), late: 50e6}
	r := s.run(t, 10, engine.Options{}, func(result.Finding) {}, nil)
	if r.Totals.Packets != 2 || r.Trace.End < 1010*second || r.Trace.End > 1010*second+100e6 {
		t.Errorf("%d frames up to %d, want 2 up to second 1010", r.Totals.Packets, r.Trace.End)
	}
}

// TestLoop_clockStep: somebody sets the clock back by an hour. Trace time goes on,
// and so do the deadlines.
func TestLoop_clockStep(t *testing.T) {
	const hour = 3600
	s := &fakeSource{}
	segments := append([]sent(nil), lostFIN...)
	segments[4].after -= hour
	next := play(segments...)
	s.next = func() (int64, []byte) {
		at, data := next()
		if at < 1000*second {
			s.now -= hour * second
			s.until -= hour * second
		}
		return at, data
	}
	seen := 0
	r := s.run(t, 120, engine.Options{}, func(f result.Finding) {
		if seen++; f.End-f.Start > 130*second {
			t.Errorf("it lasted %v", time.Duration(f.End-f.Start))
		}
	}, func(string) {})
	if seen == 0 || r.Trace.End-r.Trace.First > 130*second || r.Totals.Packets != 5 {
		t.Errorf("%d findings in %d frames, the trace lasts %v", seen, r.Totals.Packets, time.Duration(r.Trace.End-r.Trace.First))
	}
}

// TestLoop_drops: lost frames are reported, and earlier findings of absence are
// reported again as undecided.
func TestLoop_drops(t *testing.T) {
	s := &fakeSource{next: play(lostFIN...)}
	var verdicts []string
	warned := 0
	r := s.run(t, 120, engine.Options{}, func(f result.Finding) {
		if f.Absence != 0 {
			verdicts = append(verdicts, f.Verdict.String())
			s.drops = 7
		}
	}, func(text string) {
		if warned++; !strings.Contains(text, "7 packets lost") {
			t.Error(text)
		}
	})
	if warned != 1 || len(verdicts) != 3 || verdicts[0] != "seen" || verdicts[1] != "undecided" {
		t.Errorf("warned %d times, reported as %v", warned, verdicts)
	}
	if r.Captures[0].Drops != 7 {
		t.Errorf("the report knows of %d lost packets", r.Captures[0].Drops)
	}
}

var soak = flag.Int64("soak", 600, "run connections for so many `seconds` of trace time")

// TestLoop_soak: connections come and go, and something is found on each. Memory depends on
// the open ones, and every finding is reported in full.
func TestLoop_soak(t *testing.T) {
	const (
		perSecond       = 200
		gap             = second / perSecond
		segmentsPerConn = 6 // segments of a connection
	)
	segments := [segmentsPerConn]sent{
		{0, false, syn, 99, 0, 1000}, {0, true, syn | ack, 499, 100, 1000}, {0, false, ack, 100, 500, 1000},
		{0, true, fin | ack, 500, 100, 1000}, {0, false, fin | ack, 100, 501, 1000}, {0, true, ack, 501, 101, 1000},
	}
	seconds := *soak
	var n uint32
	s := &fakeSource{}
	var early, late uint64
	var measured int64
	s.next = func() (int64, []byte) {
		n++
		at := 1000*second + int64(n)*gap/segmentsPerConn
		if passed := at - 1000*second; passed > measured {
			heap := liveHeap()
			if passed > 150*second {
				late = max(late, heap)
			} else if passed > 100*second {
				early = max(early, heap)
			}
			measured = passed + 10*second
		}
		return at, segments[n%segmentsPerConn].frame(n / segmentsPerConn)
	}
	open := map[string]bool{} // findings that were reported, and not for the last time
	bare := 0
	r := s.run(t, seconds, engine.Options{MaxFlows: 1 << 20}, func(f result.Finding) {
		if f.Message == "" || len(f.Evidence) < 2 {
			bare++
		}
		if open[f.ID] = true; f.Final {
			delete(open, f.ID)
		}
	}, nil)
	if bare > 0 || len(open) > 0 {
		t.Errorf("%d findings were reported without their sentence or frames, and %d never for the last time", bare, len(open))
	}
	t.Logf("%d connections in %d s: the heap is %.1f MB after 150 s, and %.1f MB at most later", r.Totals.Flows, seconds, float64(early)/1e6, float64(late)/1e6)
	if r.Totals.Flows < uint64(seconds)*perSecond*9/10 || r.Totals.EvictedFlows > 0 {
		t.Errorf("%d connections, %d of them evicted", r.Totals.Flows, r.Totals.EvictedFlows)
	}
	if late > early+early/4+1e6 {
		t.Errorf("the heap grows from %d to %d bytes", early, late)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestKeeper_names are those of tcpdump 4.99 for -w k -C 1 with and without -W.
func TestKeeper_names(t *testing.T) {
	for _, c := range []struct {
		size  int64
		files int
		want  string
	}{
		{0, 0, "k"},
		{1000, 0, "k k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11"},
		{1000, 3, "k0 k1 k2 k0 k1 k2 k0 k1 k2 k0 k1 k2"},
		{1000, 11, "k00 k01 k02 k03 k04 k05 k06 k07 k08 k09 k10 k00"},
	} {
		k := &live.Keeper{Name: filepath.Join(t.TempDir(), "k"), Size: c.size, Files: c.files, Interfaces: make([]pcapng.Interface, 1)}
		if err := k.Open(); err != nil {
			t.Fatal(err)
		}
		for i := range 12 {
			fr := capture.Frame{At: int64(i), Data: make([]byte, 1000), Len: 1000}
			if err := k.Keep(&fr); err != nil {
				t.Fatal(err)
			}
			if wantNum := uint32(1); c.size > 0 && (fr.Num != wantNum || int(fr.File) != i) {
				t.Errorf("frame %d is number %d of file %d", i, fr.Num, fr.File)
			}
		}
		if err := k.Close(100); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range k.Names() {
			got = append(got, filepath.Base(name))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("-C %d -W %d: %v, want %s", c.size, c.files, got, c.want)
		}
	}
}
