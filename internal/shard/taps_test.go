package shard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// recognised is the plan of files, as the command makes it.
func recognised(t testing.TB, o *engine.Options, limit int, files ...string) *taps.Plan {
	t.Helper()
	plan, err := source.Recognise(context.Background(), files, capture.Options{Text: scenario.Pcapng}, o, taps.Options{Suspected: true, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// limited returns reportOf and split for captures from several places, of which so many
// segments of each file are compared; 0 for the default.
func limited(limit int) (reportOf func(testing.TB, ...string) []byte, split func(testing.TB, int, ...string) []string) {
	reportOf = func(t testing.TB, files ...string) []byte {
		t.Helper()
		o := engine.Options{Workers: 1, Detectors: catalogue.All, AllFlows: true}
		plan := recognised(t, &o, limit, files...)
		trace := open(t, files...)
		r, _ := source.RunPlan(context.Background(), trace, files, o, plan)
		return jsonOf(t, trace, r)
	}
	split = func(t testing.TB, n int, files ...string) []string {
		t.Helper()
		s := shard.Split{Shards: n, Dir: filepath.Join(t.TempDir(), "shards")}
		plan := recognised(t, &s.Engine, limit, files...)
		if plan != nil {
			s.Engine.Points = plan.Points()
			s.Taps = &shard.Taps{Route: plan.Route(), Plan: plan.Save(), Join: plan.Join}
		}
		if _, err := runSplit(t, s, files...); err != nil {
			t.Fatal(err)
		}
		shards, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
		return shards
	}
	return reportOf, split
}

// TestSplit_taps: shards of captures from several places give the report of one process,
// all together and one by one: clocks, what was lost between, translated addresses,
// rewritten numbers.
func TestSplit_taps(t *testing.T) {
	plain := pathsim.Config{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 6, Exchanges: 8, Loss: 0.03, Offset: 7 * time.Second, Skew: 40}
	with := func(change func(*pathsim.Config)) pathsim.Config {
		c := plain
		change(&c)
		return c
	}
	fins := func(s *pathsim.Sent) bool { return !s.FromServer && s.Seg.Flags&reassembly.FIN != 0 }
	for name, x := range map[string]struct {
		c     pathsim.Config
		limit int
		want  string
	}{
		"plain":       {plain, 0, `"lost": [{`},
		"translated":  {with(func(c *pathsim.Config) { c.NAT, c.Drop = true, fins }), 0, "were lost between"},
		"rewritten":   {with(func(c *pathsim.Config) { c.Shift, c.MSS, c.NAT = 12345, 1200, true }), 0, `"isn"`},
		"no ID":       {with(func(c *pathsim.Config) { c.NoID, c.NoStamp = true, true }), 0, `"lost": [{`},
		"clock steps": {with(func(c *pathsim.Config) { c.StepAt, c.Step = 200*time.Millisecond, 300*time.Millisecond }), 0, `"lost": [{`},
		"injected":    {with(func(c *pathsim.Config) { c.Inject = time.Second; c.Connections, c.Think = 1, 200*time.Millisecond }), 0, "injected-between"},
		"interrupted": {plain, 0, "The capture was interrupted"},
		"limited":     {plain, 120, "than the 120 that are compared"},
	} {
		t.Run(name, func(t *testing.T) {
			r := pathsim.Run(x.c)
			if name == "interrupted" {
				interrupt(&r.Taps)
			}
			files := []string{write(t, "client.pcap", pathsim.Pcap(r.Taps[0])), write(t, "server.pcap", pathsim.Pcap(r.Taps[1]))}
			reportOf, split := limited(x.limit)
			if text := reportOf(t, files...); !bytes.Contains(text, []byte(x.want)) {
				t.Fatalf("there is no %s in\n%s", x.want, text)
			}
			checkSameOf(t, 5, reportOf, split, files...)
		})
	}
}

// interrupt removes the handshakes of later connections, and lets ten minutes pass before them.
func interrupt(taps *[2][]reassembly.Segment) {
	for i, segs := range taps {
		first := map[uint16]int{}
		var left []reassembly.Segment
		for _, s := range segs {
			port := max(s.Src.Port, s.Dst.Port)
			if _, known := first[port]; !known {
				first[port] = len(first)
			}
			if first[port] >= 3 {
				if s.Flags&reassembly.SYN != 0 {
					continue
				}
				s.At += int64(10 * time.Minute)
			}
			left = append(left, s)
		}
		taps[i] = left
	}
}

// A shard of several taps that was cut short, alone or beside others, says nothing that the
// whole does not.
func TestCut_taps(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 6, Exchanges: 8, Loss: 0.03, NAT: true})
	files := []string{write(t, "client.pcap", pathsim.Pcap(r.Taps[0])), write(t, "server.pcap", pathsim.Pcap(r.Taps[1]))}
	reportOf, split := limited(0)
	all := map[string]bool{}
	for _, f := range read(t, reportOf(t, files...)).Findings {
		all[idOf(t, f)] = true
	}
	shards := split(t, 2, files...)
	text, err := os.ReadFile(shards[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{len(text) - 1, len(text) * 2 / 3, len(text) / 3} {
		cut := write(t, "shard-000", text[:n])
		for _, names := range [][]string{{cut}, {cut, shards[1]}} {
			for _, f := range read(t, reportOf(t, names...)).Findings {
				if bytes.Contains(f, []byte(`"verdict": "seen"`)) && !all[idOf(t, f)] {
					t.Errorf("cut after %d bytes of %d: %s", n, len(text), f)
				}
			}
		}
	}
}

func idOf(t *testing.T, finding json.RawMessage) string {
	t.Helper()
	var f struct{ ID string }
	if err := json.Unmarshal(finding, &f); err != nil {
		t.Fatal(err)
	}
	return f.ID
}
