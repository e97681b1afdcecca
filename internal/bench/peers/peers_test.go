package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

func TestMedian(t *testing.T) {
	for want, walls := range map[time.Duration][]time.Duration{
		3: {5, 1, 3},
		4: {1, 3, 5, 9},
		7: {7},
	} {
		var samples []sample
		for _, w := range walls {
			samples = append(samples, sample{wall: w})
		}
		if got := median(samples, sample.wallTime); got != want {
			t.Errorf("median of %v is %d, want %d", walls, got, want)
		}
	}
}

func TestPrepare_usesACaptureAgain(t *testing.T) {
	dir := t.TempDir()
	spec := tracegen.Spec{Frames: 40, Flows: 1}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeCapture(dir, string(text)); err != nil {
		t.Fatal(err)
	}
	c, err := prepare(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.file)
	if err != nil || info.Size() != c.truth.Bytes || c.truth.Frames != 40 {
		t.Errorf("%v, %v: truth %+v", info, err, c.truth)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("left over: %v", left)
	}
}

func TestIsOstermann_goesByItsVersion(t *testing.T) {
	dir := t.TempDir()
	for name, says := range map[string]bool{"Ostermann's tcptrace -- version 6.6.7": true, "tcptrace 1.0": false} {
		path := filepath.Join(dir, "tcptrace")
		script := "#!/bin/sh\necho \"Version: " + name + "\" >&2\nexit 3\n"
		if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := isOstermann(path); got != says {
			t.Errorf("%q: %v", name, got)
		}
	}
	if isOstermann(filepath.Join(dir, "nothing")) {
		t.Error("a missing program is Ostermann's")
	}
}

func TestMeasure_alternates(t *testing.T) {
	order := filepath.Join(t.TempDir(), "order")
	sh := func(name string, runs int) tool {
		return tool{name: name, path: "/bin/sh", args: []string{"-c", "printf " + name + " >>$0; exit 1", file}, okay: []int{1}, runs: runs}
	}
	e := experiment{tools: []tool{sh("a", 3), sh("b", 1), sh("c", 3)}}
	samples, err := e.measure(order)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(order)
	if err != nil || string(got) != "abcacac" {
		t.Errorf("order %q, %v", got, err)
	}
	if len(samples[1]) != 1 || samples[0][0].wall <= 0 {
		t.Errorf("samples %v", samples)
	}
	e.tools[0].okay = nil
	if _, err := e.measure(order); err == nil {
		t.Error("a failed run counts as a measurement")
	}
}
