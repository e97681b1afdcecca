package taps_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A file is a capture by name.
type file struct {
	name string
	data []byte
}

// analyse runs everything on the files, as the command does.
func analyse(t *testing.T, to taps.Options, files ...file) (*result.Report, *taps.Plan) {
	t.Helper()
	return analyseBy(t, 0, to, files...)
}

// analyseBy is analyse with a number of workers.
func analyseBy(t *testing.T, workers int, to taps.Options, files ...file) (*result.Report, *taps.Plan) {
	t.Helper()
	var names []string
	for _, f := range files {
		names = append(names, f.name)
	}
	open := func() *capture.Trace {
		trace, errs := capture.OpenTrace(names, capture.Options{Open: func(name string) (io.ReadCloser, error) {
			for _, f := range files {
				if f.name == name {
					return io.NopCloser(bytes.NewReader(f.data)), nil
				}
			}
			return nil, fmt.Errorf("no file %s", name)
		}})
		for _, err := range errs {
			t.Fatal(err)
		}
		return trace
	}
	o := engine.Options{Detectors: catalogue.All, AllFlows: true, Workers: workers}
	plan := taps.Recognise(context.Background(), open(), names, &o, to)
	trace := open()
	defer trace.Close()
	if plan == nil {
		return engine.Run(context.Background(), trace, o), nil
	}
	o.Points = plan.Points()
	return plan.Run(context.Background(), engine.Frames(context.Background(), trace, &o), o), plan
}

// accusations are the findings above info, as text.
func accusations(r *result.Report) (list []string) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity > detectors.Info && f.Verdict == detectors.Seen {
			list = append(list, f.Detector+"/"+f.Outcome)
		}
	}
	return list
}

func shifted(segs []reassembly.Segment, by time.Duration) []reassembly.Segment {
	segs = slices.Clone(segs)
	for i := range segs {
		segs[i].At += int64(by)
	}
	return segs
}

func healthy(c pathsim.Config) *pathsim.Result {
	c.Seed, c.Connections, c.Exchanges = 1, 3, 6
	if c.OneWay == 0 {
		c.OneWay = 12 * time.Millisecond
	}
	return pathsim.Run(c)
}

// TestRecognise_healthy: what two taps saw of a flawless connection is never a fault
// of anybody, however the captures were put together.
func TestRecognise_healthy(t *testing.T) {
	for name, c := range map[string]pathsim.Config{
		"IPv4":             {},
		"IPv6":             {V6: true},
		"no ID":            {NoID: true},
		"no timestamps":    {NoStamp: true},
		"neither":          {NoID: true, NoStamp: true},
		"hours apart":      {Offset: 3 * time.Hour},
		"seconds before":   {Offset: -7 * time.Second},
		"skewed":           {Skew: 200, Offset: time.Second},
		"translated":       {NAT: true},
		"rewritten":        {Shift: 123456789},
		"both":             {NAT: true, Shift: 1 << 31},
		"close together":   {OneWay: 500 * time.Microsecond},
		"far apart":        {OneWay: 80 * time.Millisecond},
		"jitter":           {Jitter: 3 * time.Millisecond},
		"asymmetric":       {Back: 30 * time.Millisecond},
		"reduced MSS":      {MSS: 1380},
		"a step":           {Step: 400 * time.Millisecond, StepAt: 200 * time.Millisecond},
		"a step backwards": {Step: -3 * time.Second, StepAt: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			r := healthy(c)
			client, server := file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(r.Taps[1])}
			ways := map[string][]file{
				"two files":         {client, server},
				"the other order":   {server, client},
				"like a rotation":   {{"cap1.pcap", client.data}, {"cap2.pcap", server.data}},
				"by interface":      {{"merged.pcapng", pathsim.Merged(true, r.Taps[0], r.Taps[1])}},
				"on one interface":  {{"one.pcapng", pathsim.Merged(false, r.Taps[0], r.Taps[1])}},
				"one and two files": {client, server, {"other.pcap", pathsim.Pcap(pathsim.Run(pathsim.Config{Seed: 9, OneWay: time.Millisecond}).Taps[0])}},
			}
			if c.Step < 0 { // mergecap would sort these
				delete(ways, "by interface")
				delete(ways, "on one interface")
			}
			if c.OneWay != 0 && c.OneWay < 2*time.Millisecond { // copies
				delete(ways, "on one interface")
			}
			for way, files := range ways {
				rep, plan := analyse(t, taps.Options{}, files...)
				if plan == nil || len(rep.Taps) != 2 {
					t.Errorf("%s: %d taps were found; %v", way, len(rep.Taps), accusations(rep))
					continue
				}
				if found := accusations(rep); len(found) > 0 {
					t.Errorf("%s: %s", way, strings.Join(found, ", "))
				}
				want := uint64(3)
				if way == "one and two files" {
					want = 4
				}
				if rep.Totals.Flows != want || len(rep.Flows) != int(want) {
					t.Errorf("%s: %d connections, %d rows, want %d", way, rep.Totals.Flows, len(rep.Flows), want)
				}
			}
		})
	}
}

// TestRecognise_lookAlikes: what is not two places is not taken for that.
func TestRecognise_lookAlikes(t *testing.T) {
	r := healthy(pathsim.Config{})
	c := r.Taps[0]
	half := len(c) / 2
	v6 := healthy(pathsim.Config{V6: true, NoStamp: true}).Taps[0]
	other := pathsim.Run(pathsim.Config{Seed: 5, OneWay: time.Millisecond}).Taps[0]
	for name, x := range map[string]struct {
		files []file
		taps  int    // listed
		say   string // the note
		flows uint64
	}{
		"rotated":                      {[]file{{"a1.pcap", pathsim.Pcap(c[:half])}, {"a2.pcap", pathsim.Pcap(c[half:])}}, 0, "", 3},
		"stopped and started":          {[]file{{"x.pcap", pathsim.Pcap(c[:half])}, {"y.pcap", pathsim.Pcap(c[half:])}}, 0, "", 3},
		"the same twice":               {[]file{{"a.pcap", pathsim.Pcap(c)}, {"b.pcap", pathsim.Pcap(c)}}, 1, "same-capture", 3},
		"shifted by an hour":           {[]file{{"a.pcap", pathsim.Pcap(c)}, {"b.pcap", pathsim.Pcap(shifted(c, time.Hour))}}, 1, "same-capture", 3},
		"a part of it, later":          {[]file{{"a.pcap", pathsim.Pcap(c)}, {"b.pcap", pathsim.Pcap(shifted(c[half:], time.Minute))}}, 1, "same-capture", 3},
		"overlapping parts":            {[]file{{"a.pcap", pathsim.Pcap(c[:half+50])}, {"b.pcap", pathsim.Pcap(c[half-50:])}}, 1, "same-capture", 3},
		"overlapping parts of IPv6":    {[]file{{"a.pcap", pathsim.Pcap(v6[:half+50])}, {"b.pcap", pathsim.Pcap(v6[half-50:])}}, 1, "same-capture", 3},
		"merged with a shifted copy":   {[]file{{"m.pcapng", pathsim.Merged(false, c, shifted(c, 30*time.Millisecond))}}, 0, "same-capture", 3},
		"unrelated":                    {[]file{{"a.pcap", pathsim.Pcap(c)}, {"b.pcap", pathsim.Pcap(shifted(other, time.Minute))}}, 0, "", 4},
		"unrelated at the same time":   {[]file{{"a.pcap", pathsim.Pcap(c)}, {"b.pcap", pathsim.Pcap(other)}}, 0, "", 4},
		"each direction by itself":     {[]file{{"a.pcap", pathsim.Pcap(direction(c, 443, false))}, {"b.pcap", pathsim.Pcap(direction(c, 443, true))}}, 0, "", 3},
		"two unrelated, one interface": {[]file{{"m.pcapng", pathsim.Merged(false, c, other)}}, 0, "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			rep, _ := analyse(t, taps.Options{}, x.files...)
			if len(rep.Taps) != x.taps || x.taps > 0 && rep.Taps[0].Recognised != "same-capture" {
				t.Errorf("taps %+v, want %d", rep.Taps, x.taps)
			}
			if found := accusations(rep); len(found) > 0 {
				t.Error(strings.Join(found, ", "))
			}
			if rep.Totals.Flows != x.flows {
				t.Errorf("%d connections, want %d", rep.Totals.Flows, x.flows)
			}
			if x.say != "" && !slices.ContainsFunc(rep.Notes, func(n result.Note) bool { return n.Name == x.say }) {
				t.Errorf("no note %q among %v", x.say, rep.Notes)
			}
		})
	}
}

// direction are the segments to a port, or from it.
func direction(segs []reassembly.Segment, port uint16, from bool) (all []reassembly.Segment) {
	for _, s := range segs {
		if from && s.Src.Port == port || !from && s.Dst.Port == port {
			all = append(all, s)
		}
	}
	return all
}

// TestRecognise_resent: a window that a host sends again after a rotation is sent
// again, with or without IP IDs.
func TestRecognise_resent(t *testing.T) {
	for _, c := range []pathsim.Config{{}, {NoID: true}, {V6: true, NoStamp: true}, {NoID: true, NoStamp: true}} {
		n := 0
		c.Seed, c.OneWay, c.Exchanges, c.Answer = 3, 20*time.Millisecond, 3, 60000
		c.Drop = func(s *pathsim.Sent) bool { // a whole window of the server, once
			if s.FromServer && s.Seg.Len > 0 && s.N > 60 && n < 15 {
				n++
				return true
			}
			return false
		}
		r := pathsim.Run(c).Taps[1]
		cut := slices.IndexFunc(r, func(s reassembly.Segment) bool { return s.At-pathsim.Epoch > int64(300*time.Millisecond) })
		rep, _ := analyse(t, taps.Options{}, file{"r1.pcap", pathsim.Pcap(r[:cut])}, file{"r2.pcap", pathsim.Pcap(r[cut:])})
		whole, _ := analyse(t, taps.Options{}, file{"r.pcap", pathsim.Pcap(r)})
		if len(rep.Taps) != 0 || rep.Flows[0].Rexmits != whole.Flows[0].Rexmits || whole.Flows[0].Rexmits[1] == 0 {
			t.Errorf("%+v: taps %v; resent %v, in one file %v", c, rep.Taps, rep.Flows[0].Rexmits, whole.Flows[0].Rexmits)
		}
	}
}

// TestRecognise_coverage: what is missing while nobody captured is not absent.
func TestRecognise_coverage(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 4, OneWay: 5 * time.Millisecond}).Taps[0]
	fin := slices.IndexFunc(r, func(s reassembly.Segment) bool { return s.Flags&reassembly.FIN != 0 })
	lost := r[:fin+1]
	other := shifted(pathsim.Run(pathsim.Config{Seed: 8, OneWay: time.Millisecond}).Taps[0][:8], 30*time.Second)
	for name, x := range map[string]struct {
		second string
		want   bool
	}{"of a rotation": {"cap2.pcap", true}, "of something else": {"elsewhere.pcap", false}} {
		rep, _ := analyse(t, taps.Options{}, file{"cap1.pcap", pathsim.Pcap(lost)}, file{x.second, pathsim.Pcap(other)})
		got := slices.ContainsFunc(accusations(rep), func(s string) bool { return strings.HasPrefix(s, "unretransmitted-fin/") })
		if got != x.want {
			t.Errorf("%s: a FIN without an answer was reported: %t, want %t", name, got, x.want)
		}
	}
}

// TestRecognise_told: --tap and --each know better.
func TestRecognise_told(t *testing.T) {
	r := healthy(pathsim.Config{})
	half := len(r.Taps[0]) / 2
	files := []file{{"1.pcap", pathsim.Pcap(r.Taps[0][:half])}, {"2.pcap", pathsim.Pcap(r.Taps[0][half:])}, {"3.pcap", pathsim.Pcap(r.Taps[1])}}
	rep, _ := analyse(t, taps.Options{Named: []taps.Named{{Name: "client", Files: []string{"1.pcap", "2.pcap"}}, {Name: "server", Files: []string{"3.pcap"}}}}, files...)
	if len(rep.Taps) != 2 || rep.Taps[0].Name != "client" || rep.Taps[1].Recognised != "named" || rep.Totals.Flows != 3 || len(accusations(rep)) > 0 {
		t.Errorf("--tap: %+v, %d connections, %v", rep.Taps, rep.Totals.Flows, accusations(rep))
	}
	rep, _ = analyse(t, taps.Options{Each: true}, files...)
	if len(rep.Taps) != 0 || rep.Totals.Flows != 7 || len(accusations(rep)) > 0 {
		t.Errorf("--each: %+v, %d connections, %v", rep.Taps, rep.Totals.Flows, accusations(rep))
	}
}

// TestRecognise_proxy: behind a proxy there are other connections, and nothing is blamed
// on what lies between.
func TestRecognise_proxy(t *testing.T) {
	front := healthy(pathsim.Config{}).Taps[0]
	back := pathsim.Run(pathsim.Config{Seed: 77, OneWay: 3 * time.Millisecond, Connections: 3, Exchanges: 6}).Taps[1]
	for i := range back {
		for _, e := range []*reassembly.Endpoint{&back[i].Src, &back[i].Dst} {
			if e.Port != 443 {
				e.Port += 9000
			}
		}
	}
	named := taps.Options{Named: []taps.Named{{Name: "front", Files: []string{"f.pcap"}}, {Name: "back", Files: []string{"b.pcap"}}}}
	rep, _ := analyse(t, named, file{"f.pcap", pathsim.Pcap(front)}, file{"b.pcap", pathsim.Pcap(back)})
	if found := accusations(rep); len(found) > 0 || rep.Totals.Flows != 6 {
		t.Errorf("%d connections, %v", rep.Totals.Flows, found)
	}
	if !slices.ContainsFunc(rep.Notes, func(n result.Note) bool {
		return n.Name == "no common segment" && strings.Contains(n.Message, "timestamps")
	}) {
		t.Errorf("nothing is said: %v", rep.Notes)
	}
}

// TestRecognise_twoAndTwo: two captures of each end, of which each has a partner, are two places.
func TestRecognise_twoAndTwo(t *testing.T) {
	x := healthy(pathsim.Config{})
	c := pathsim.Config{Seed: 7, Connections: 3, Exchanges: 6, OneWay: 12 * time.Millisecond}
	y := pathsim.Run(c)
	for i := range y.Taps {
		y.Taps[i] = shifted(y.Taps[i], time.Minute)
	}
	files := []file{{"client.pcap", pathsim.Pcap(x.Taps[0])}, {"server.pcap", pathsim.Pcap(x.Taps[1])}, {"later.pcap", pathsim.Pcap(y.Taps[0])}, {"there.pcap", pathsim.Pcap(y.Taps[1])}}
	for range 4 {
		rep, _ := analyse(t, taps.Options{}, files...)
		paired := 0
		for i := range rep.Flows {
			paired += len(rep.Flows[i].Between)
		}
		if len(rep.Taps) != 2 || paired != 6 || len(accusations(rep)) > 0 {
			t.Fatalf("%d taps, %d connections at both, accusations %v", len(rep.Taps), paired, accusations(rep))
		}
	}
}
