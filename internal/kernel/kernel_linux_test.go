package kernel

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var record = flag.String("record", "", "keep the recordings, and what the kernels said, in this `directory`")

// TestMain lets all stories run at a time: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "100")
	os.Exit(m.Run())
}

// TestKernel plays all stories.
func TestKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: the kernel's timers run in real time, ten seconds of it")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may make network namespaces and record frames")
	}
	for _, tale := range slices.Concat(openings, closings, resets, zeroWindows, lostFINs, lateACKs, silences, stalls, blackHoles, heldSockets, windows, losses, lookAlikes) {
		t.Run(tale.name, func(t *testing.T) {
			t.Parallel()
			s := &story{T: t, truth: truth{System: system(t), Story: tale.name, Set: tale.set, Findings: append([]finding{}, tale.find...)}}
			s.client, s.server = newHosts(t)
			tale.play(s)
			s.judge(filepath.Join(keepIn(t), strings.ReplaceAll(strings.ToLower(tale.name), " ", "-")))
		})
	}
}

// judge holds tcptrace against what happened.
func (s *story) judge(name string) {
	s.Helper()
	s.tap.write(name + ".pcap")
	s.truth.write(s.T, name+".json")
	judgeStates(s.T, &s.truth, name+".pcap")
	judgeFindings(s.T, &s.truth, name+".pcap")
}

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

// system is the kernel's name and version.
func system(t *testing.T) string {
	t.Helper()
	var name unix.Utsname
	must(t, unix.Uname(&name))
	release, _, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), "-")
	return unix.ByteSliceToString(name.Sysname[:]) + " " + release
}
