package pipeline

import (
	"flag"
	"path/filepath"
	"slices"
	"testing"
)

var whole = flag.Bool("flink-whole", false, "on Flink, also run what takes many minutes")

// needWhole skips a test that takes many minutes.
func needWhole(t *testing.T) {
	t.Helper()
	needFlink(t)
	if !*whole {
		t.Skip("takes many minutes: -flink-whole")
	}
}

// Every sample by itself.
func TestFlink_samples(t *testing.T) {
	needWhole(t)
	c := embedded(t)
	for some := range slices.Chunk(samples(t), 8) {
		var all []Options
		for _, file := range some {
			all = append(all, Options{Inputs: []string{file}, Output: filepath.Join(t.TempDir(), filepath.Base(file))})
		}
		c.run(all...)
		for _, o := range all {
			same(t, o, o.Inputs)
		}
	}
}

func TestFlink_taps(t *testing.T) {
	needWhole(t)
	all := places(t)
	embedded(t).run(all...)
	for _, o := range all {
		sameTaps(t, o)
	}
}

// A million frames in fifty rotated files, and others of two taps and with clocks that
// are set back, on a cluster with two task managers. One of them dies with all workers,
// and the job goes on when there is another.
func TestFlink_million(t *testing.T) {
	needWhole(t)
	folder, other := t.TempDir(), t.TempDir()
	files, back := generate(t, folder, 1_000_000, 50), setBack(t, other, 100_000)
	o := Options{Inputs: []string{filepath.Join(folder, "*.pcap")}, Output: t.TempDir()}
	clocks := Options{Inputs: []string{filepath.Join(other, "*.pcap")}, Output: t.TempDir(), Range: 20}
	c := standalone(t)
	killed := interrupt(t, files[20], func() int {
		_ = c.taskManagers[0].cmd.Process.Kill()
		n := c.kill()
		c.addTaskManager()
		return n
	})
	c.run(o, clocks)
	if n := killed(); n == 0 {
		t.Error("no worker was killed")
	}
	same(t, o, files)
	same(t, clocks, back)
}
