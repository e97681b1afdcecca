// Peers compares the speed of tcptrace with that of its peers, as far as they are
// installed: tcpdump, Ostermann's tcptrace and tshark. They read the same generated
// capture in turn; ratios are those of medians.
//
//	go run ./internal/bench/peers -tcptrace ./tcptrace
//
// Without a mode, it compares all of them on five million frames cut at 96 bytes
// and on three million whole frames. The captures stay in -dir for further runs;
// remove them to generate them again.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

type settings struct {
	dir      string
	tcptrace string
	runs     int
	slowRuns int
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", filepath.Join(os.TempDir(), "tcptrace-bench"), "`directory` of the captures")
	flag.StringVar(&s.tcptrace, "tcptrace", "./tcptrace", "the tcptrace to time, a `path`")
	flag.IntVar(&s.runs, "runs", 5, "runs of each fast tool")
	flag.IntVar(&s.slowRuns, "slow-runs", 1, "runs of Ostermann's tcptrace and of tshark; 0 leaves them out")
	small := flag.Bool("small", false, "time from start to answer on 40 frames")
	scaling := flag.Bool("scaling", false, "cost per frame on captures of growing size")
	sizes := flag.String("sizes", "1,2,5,10", "millions of frames for -scaling")
	flowsJSON := flag.Bool("flows-json", false, "--format json --flows against the plain run")
	flood := flag.Int64("flood", 0, "one run on this many spoofed connections")
	generate := flag.String("generate", "", "only write the capture of this `spec`; the program runs itself with it")
	flag.Parse()
	if *generate != "" {
		exitOn(writeCapture(s.dir, *generate))
		return
	}

	if s.runs < 1 || s.slowRuns < 0 {
		exitOn(errors.New("-runs must be at least 1, -slow-runs at least 0"))
	}
	if _, err := exec.LookPath(s.tcptrace); err != nil {
		exitOn(fmt.Errorf("%w; build it with: go build -o %s ./cmd/tcptrace", err, s.tcptrace))
	}
	var plan []experiment
	if *small {
		plan = append(plan, smallExperiment(s))
	}
	if *scaling {
		counts, err := millions(*sizes)
		exitOn(err)
		plan = append(plan, scalingExperiments(s, counts)...)
	}
	if *flowsJSON {
		plan = append(plan, flowsExperiment(s))
	}
	if *flood > 0 {
		plan = append(plan, floodExperiment(s, *flood))
	}
	if len(plan) == 0 {
		plan = mainExperiments(s)
	}
	for _, e := range plan {
		exitOn(e.run(s.dir))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// millions reads a list of frame counts, in millions.
func millions(list string) ([]int64, error) {
	var counts []int64
	for _, f := range strings.Split(list, ",") {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("-sizes: %q is not a number of millions", f)
		}
		counts = append(counts, int64(n*1e6))
	}
	return counts, nil
}

const flows = 20_000

func cutSpec(frames int64) tracegen.Spec {
	return tracegen.Spec{Frames: frames, Flows: flows, Snap: 96, Faults: 10, Seed: 1}
}

func mainExperiments(s settings) []experiment {
	whole := tracegen.Spec{Frames: 3_000_000, Flows: flows, Faults: 10, Seed: 1}
	interleaved := tracegen.Spec{Frames: 3_000_000, Flows: 2000, Snap: 96, Faults: 10, Seed: 1}
	web := tracegen.Spec{Frames: 3_000_000, Flows: flows, Snap: 96, Web: true, Seed: 1}
	loss := tracegen.Spec{Frames: 3_000_000, Flows: flows, Snap: 96, Loss: 0.05, Seed: 1}
	return []experiment{
		{title: "3 million frames cut at 96 bytes, 2,000 connections at a time", spec: interleaved, tools: s.fastTools(), base: "tcpdump"},
		{title: "3 million frames cut at 96 bytes, short connections", spec: web, tools: s.fastTools(), base: "tcpdump"},
		{title: "3 million frames cut at 96 bytes, 5 % loss", spec: loss, tools: s.fastTools(), base: "tcpdump"},
		{title: "5 million frames cut at 96 bytes", spec: cutSpec(5_000_000), tools: s.everyTool(), base: "tcpdump"},
		{title: "3 million whole frames", spec: whole, tools: s.everyTool(), base: "tcpdump"},
	}
}

func smallExperiment(s settings) experiment {
	s.runs = max(s.runs, 20)
	s.slowRuns = s.runs
	return experiment{title: "40 frames, from start to answer", spec: tracegen.Spec{Frames: 40, Flows: 1, Seed: 1}, tools: s.everyTool(), base: "tcpdump"}
}

func scalingExperiments(s settings, counts []int64) []experiment {
	var plan []experiment
	for _, n := range counts {
		plan = append(plan, experiment{title: fmt.Sprintf("scaling: %g million frames", float64(n)/1e6), spec: cutSpec(n), tools: s.fastTools(), base: "tcpdump"})
	}
	return plan
}

func flowsExperiment(s settings) experiment {
	plain := s.ours()
	rows := plain
	rows.name = "tcptrace --flows, JSON"
	rows.args = append([]string{"--format", "json", "--flows"}, plain.args...)
	return experiment{title: "the report: every connection in JSON against plain text", spec: cutSpec(5_000_000), tools: []tool{plain, rows}, base: plain.name}
}

func floodExperiment(s settings, n int64) experiment {
	s.runs = 1
	spec := tracegen.Spec{Flood: n, Snap: 64, Seed: 1}
	return experiment{title: "a flood of spoofed connections", spec: spec, tools: s.fastTools(), base: "tcpdump"}
}
