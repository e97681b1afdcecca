package pipeline

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

var frames = flag.Int64("frames", 200_000, "frames of the generated trace")

// generate writes a trace as rotated files, and returns their names in order.
func generate(t *testing.T, folder string, frames int64, files int) (names []string) {
	t.Helper()
	return rotate(t, folder, tracegen.Spec{Frames: frames, Flows: int(frames / 200), Snap: 96, Faults: 20, Seed: 1}, files)
}

func rotate(t *testing.T, folder string, spec tracegen.Spec, files int) (names []string) {
	t.Helper()
	var buf bytes.Buffer
	if _, err := tracegen.Write(&buf, spec); err != nil {
		t.Fatal(err)
	}
	const header = 24
	whole := buf.Bytes()
	head, rest := whole[:header], whole[header:]
	for i := range files {
		upTo := len(rest) / (files - i)
		n := 0
		for n < upTo {
			n += 16 + int(binary.LittleEndian.Uint32(rest[n+8:]))
		}
		name := filepath.Join(folder, fmt.Sprintf("trace%05d.pcap", i))
		if err := os.WriteFile(name, append(head[:header:header], rest[:n]...), 0o644); err != nil {
			t.Fatal(err)
		}
		names, rest = append(names, name), rest[n:]
	}
	return names
}

// A trace in fifty rotated files, on Prism.
func TestGenerated(t *testing.T) {
	folder := t.TempDir()
	files := generate(t, folder, *frames, 50)
	o := Options{Inputs: []string{filepath.Join(folder, "trace*.pcap")}, Output: filepath.Join(folder, "report"), Range: 1000}
	r := run(t, o)
	same(t, o, files)
	lines, _, rows := single(t, o, files)
	for name, want := range map[string]int64{
		"files": 50, "frames": *frames, "segments": *frames, "connections": int64(len(rows)), "findings": int64(bytes.Count(lines, []byte("\n"))),
	} {
		if have := counter(r, name); have != want {
			t.Errorf("the counter %s is at %d, want %d", name, have, want)
		}
	}
	if bytes.Count(lines, []byte("\n")) < 60 {
		t.Errorf("only %d findings in a trace with planted faults", bytes.Count(lines, []byte("\n")))
	}
}

// A few connections in thousands of rotated files, most of which go through all.
func TestManyFiles(t *testing.T) {
	folder := t.TempDir()
	files := rotate(t, folder, tracegen.Spec{Frames: 40_000, Flows: 4, Snap: 96, Seed: 2}, 4000)
	for _, o := range []Options{{}, {Group: 1, Least: 1}} { // in chunks, and in a run for each file
		o.Inputs, o.Output = []string{filepath.Join(folder, "trace*")}, t.TempDir()
		run(t, o)
		same(t, o, files)
	}
}

func counter(r beam.PipelineResult, name string) (n int64) {
	found := r.Metrics().Query(func(m beam.MetricResult) bool { return m.Namespace() == Namespace && m.Name() == name })
	for _, c := range found.Counters() {
		n += c.Result()
	}
	return n
}
