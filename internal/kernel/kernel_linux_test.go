package kernel

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var record = flag.String("record", "", "keep the recordings in this directory")

// TestMain lets all stories run at a time: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "100")
	os.Exit(m.Run())
}

// TestKernel plays all stories.
func TestKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: the kernel's timers run in real time, half a minute of it")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may make network namespaces and record frames")
	}
	for _, tale := range slices.Concat(openings, closings, resets, zeroWindows, lostFINs, lateACKs, lookAlikes) {
		t.Run(tale.name, func(t *testing.T) {
			t.Parallel()
			s := &story{T: t}
			s.client, s.server = newHosts(t)
			tale.play(s)
			s.tap.end()
			file := filepath.Join(keepIn(t), fileName(tale.name))
			s.tap.write(file)
			s.judgeStates(file)
			s.judgeFindings(file, tale.find)
		})
	}
}

func fileName(story string) string { return strings.ReplaceAll(story, " ", "-") + ".pcap" }

// keepIn is where the recording goes. That of a failed story is kept.
func keepIn(t *testing.T) string {
	t.Helper()
	if *record != "" {
		return *record
	}
	dir, err := os.MkdirTemp("", "tcptrace-kernel-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the recording is kept in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}
