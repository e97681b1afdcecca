package pipeline

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// The figures of docs/scale-out.md: the same million frames in one process, on Prism
// and on Flink.
func TestFlink_figures(t *testing.T) {
	needWhole(t)
	folder := t.TempDir()
	files := generate(t, folder, 1_000_000, 50)
	options := func() Options {
		return Options{Inputs: []string{filepath.Join(folder, "*.pcap")}, Output: t.TempDir()}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	t.Logf("load before: %s", load)
	for range 3 {
		for _, kind := range []string{childInSingle, childOnPrism} {
			start := time.Now()
			o := options()
			cmd := startChild(t, kind, o)
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			peak, _ := os.ReadFile(filepath.Join(o.Output, peakFile))
			t.Logf("%s: %.1f s, processor %.1f s, peak %s", kind, time.Since(start).Seconds(),
				(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak)
		}
	}
	c := standalone(t)
	for _, which := range []string{"first", "second", "third"} { // the first also warms up the JVMs
		o := options()
		before := c.processorTime()
		peak := c.watchMemory()
		start := time.Now()
		r := c.run(o)
		took := time.Since(start).Seconds()
		t.Logf("%s job on Flink: %.1f s, processor %.1f s (servers only), peak %s", which, took, c.processorTime()-before, peak())
		shuffled(t, r)
		same(t, o, files)
	}
	c.steps()
}

// shuffled logs the bytes that travel in chunks.
func shuffled(t *testing.T, r beam.PipelineResult) {
	t.Helper()
	for _, d := range r.Metrics().Query(func(m beam.MetricResult) bool { return m.Name() == "chunk_bytes" }).Distributions() {
		t.Logf("chunks: %d with %d bytes", d.Result().Count, d.Result().Sum)
	}
}

// servers are the process IDs of all task managers.
func (c *flinkCluster) servers() (ids []int) {
	for _, tm := range c.taskManagers {
		ids = append(ids, tm.cmd.Process.Pid)
	}
	return ids
}

// processorTime is that of the task managers, with the workers that have ended, in
// seconds.
func (c *flinkCluster) processorTime() (s float64) {
	for _, id := range c.servers() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		_, rest, _ := strings.Cut(string(stat), ") ")
		for _, ticks := range strings.Fields(rest)[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseFloat(ticks, 64)
			s += n / 100
		}
	}
	return s
}

// watchMemory sums the peak memory of each task manager and each worker until the
// returned function is called.
func (c *flinkCluster) watchMemory() func() string {
	end, sums := make(chan bool), make(chan string)
	peaks := map[int]int{}
	high := regexp.MustCompile(`VmHWM:\s+(\d+)`)
	look := func(id int) {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if m := high.FindSubmatch(status); m != nil {
			n, _ := strconv.Atoi(string(m[1]))
			peaks[id] = max(peaks[id], n>>10)
		}
	}
	go func() {
		for {
			most := 0 // of the workers at one time
			files, _ := os.ReadDir(c.workers)
			for _, f := range files {
				id, _ := strconv.Atoi(f.Name())
				look(id)
			}
			for id, n := range peaks {
				if _, err := os.Stat(fmt.Sprintf("/proc/%d", id)); err == nil {
					most += n
				}
			}
			peaks[0] = max(peaks[0], most)
			select {
			case <-end:
				servers := 0
				for _, id := range c.servers() {
					look(id)
					servers += peaks[id]
				}
				sums <- fmt.Sprintf("%d MB of task managers and %d MB of workers", servers, peaks[0])
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() string {
		end <- true
		return <-sums
	}
}

// steps logs how long each step of the last job took, and what it wrote.
func (c *flinkCluster) steps() {
	var jobs struct{ Jobs []struct{ ID string } }
	c.get("/jobs", &jobs)
	for _, j := range jobs.Jobs {
		var job struct {
			Duration int
			Vertices []struct {
				Name     string
				Duration int
				Metrics  map[string]any
			}
		}
		c.get("/jobs/"+j.ID, &job)
		total := 0.0
		for _, v := range job.Vertices {
			written, _ := v.Metrics["write-bytes"].(float64)
			total += written
			c.t.Logf("%8d ms %12.0f bytes %s", v.Duration, written, v.Name)
		}
		c.t.Logf("a job took %d ms and wrote %.0f bytes", job.Duration, total)
	}
}

func (c *flinkCluster) get(path string, into any) {
	c.t.Helper()
	r, err := http.Get("http://" + c.rest + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		c.t.Fatal(err)
	}
}
