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

var record = flag.String("record", "", "keep the recordings and the kernels' states in this `directory`")

// TestMain runs all cases at a time, because they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "100")
	go watchPauses()
	os.Exit(m.Run())
}

// TestKernel runs all cases.
func TestKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: the kernel's timers run in real time, ten seconds of it")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may create network namespaces and record frames")
	}
	for _, testCase := range slices.Concat(openings, closings, resets, zeroWindows, lostFINs, lateACKs, silences, stalls, blackHoles, heldSockets, windows, losses, lookAlikes) {
		t.Run(testCase.name, func(t *testing.T) {
			t.Parallel()
			s := &testRun{T: t, truth: truth{System: system(t), Name: testCase.name, Set: testCase.set, Findings: append([]finding{}, testCase.find...)}}
			s.client, s.server = newHosts(t)
			testCase.run(s)
			s.slow = testCase.slow
			s.check(filepath.Join(keepIn(t), strings.ReplaceAll(strings.ToLower(testCase.name), " ", "-")))
		})
	}
}

// check compares tcptrace with what happened.
func (s *testRun) check(name string) {
	s.Helper()
	s.tap.write(name + ".pcap")
	s.truth.write(s.T, name+".json")
	checkStates(s.T, &s.truth, name+".pcap")
	checkFindings(s.T, &s.truth, name+".pcap", slices.Concat(s.slow, causedByPauses()))
}

// keepIn is the directory of the recording. That of a failed case is kept.
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
