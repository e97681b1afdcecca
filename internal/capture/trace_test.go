package capture

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sec = int64(1e9)

// pcapOf is a pcap file with a frame at each of times, in nanoseconds, that
// says so.
func pcapOf(times ...int64) []byte {
	w := newPcapWriter(pcapHeader{magic: magicNano})
	for _, at := range times {
		w.record(at, fmt.Append(nil, at), 60)
	}
	return w.Bytes()
}

// save writes files into a directory of the test's and gives their paths, in
// the order of the names.
func save(t *testing.T, files map[string][]byte) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// readTrace reads a trace to its end; files are named by their base names.
func readTrace(t *testing.T, paths []string, opts Options) (frames []string, tr *Trace) {
	t.Helper()
	tr, errs := OpenTrace(paths, opts)
	if errs != nil {
		t.Fatal(errs)
	}
	return drain(t, tr, paths), tr
}

func drain(t *testing.T, tr *Trace, paths []string) (frames []string) {
	t.Helper()
	var fr Frame
	for tr.Next(&fr) == nil {
		frames = append(frames, fmt.Sprintf("%s:%d %s", filepath.Base(paths[fr.File]), fr.Num, fr.Data))
	}
	if err := tr.Next(&fr); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	return frames
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

func TestTrace_filesInAnyOrder(t *testing.T) {
	paths := save(t, map[string][]byte{
		"a":     pcapOf(10, 20, 30, 60),
		"b":     pcapOf(20, 25, 30),
		"c":     gzipped(pcapOf(60, 70)),
		"empty": pcapOf(),
		"late":  pcapOf(500, 501),
	})
	want := []string{"a:1 10", "a:2 20", "b:1 20", "b:2 25", "a:3 30", "b:3 30", "a:4 60", "c:1 60", "c:2 70", "late:1 500", "late:2 501"}
	for range 24 {
		frames, tr := readTrace(t, paths, Options{})
		wantLines(t, frames, want...)
		if tr.End() != 501 {
			t.Errorf("end %d", tr.End())
		}
		if read, total := tr.Progress(); read != total || total == 0 {
			t.Errorf("progress %d of %d at the end", read, total)
		}
		for i, info := range tr.Infos() {
			if info.File != paths[i] || info.Format != "pcap" {
				t.Errorf("info %d is %+v", i, info)
			}
		}
		first := paths[0]
		paths = append(paths[1:], first)
		if filepath.Base(first) == "b" {
			slices.Reverse(paths)
		}
	}
}

func TestTrace_fileMergedWithItself(t *testing.T) {
	path := save(t, map[string][]byte{"x": pcapOf(10, 10, 20)})[0]
	frames, _ := readTrace(t, []string{path, path}, Options{})
	wantLines(t, frames, "x:1 10", "x:2 10", "x:1 10", "x:2 10", "x:3 20", "x:3 20")
}

func TestTrace_rotatedFilesAreOpenOneAtATime(t *testing.T) {
	files := map[string][]byte{}
	for i := range int64(200) {
		files[fmt.Sprintf("%03d", 199-i)] = pcapOf(i*100, i*100+1, i*100+100)
	}
	paths := save(t, files)
	tr, errs := OpenTrace(paths, Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	var fr Frame
	frames, most, last := 0, 0, int64(0)
	for tr.Next(&fr) == nil {
		frames++
		most = max(most, len(tr.merge.open))
		if fr.At < last {
			t.Errorf("frame at %d after %d", fr.At, last)
		}
		last = fr.At
	}
	if frames != 600 || most > 2 {
		t.Errorf("%d frames with %d files open at once", frames, most)
	}
}

func TestTrace_unreadableFilesAreLeftOut(t *testing.T) {
	paths := save(t, map[string][]byte{
		"cut":   pcapOf(10, 20)[:24+18+5],
		"fine":  pcapOf(15, 30),
		"none":  nil,
		"other": []byte("\x7fELF\x02\x01"),
	})
	dir := filepath.Dir(paths[0])
	paths = append(paths, dir, filepath.Join(dir, "missing"), "-", "-")
	tr, errs := OpenTrace(paths, Options{Stdin: bytes.NewReader(pcapOf(12))})
	wantLines(t, drain(t, tr, paths), "cut:1 10", "-:1 12", "fine:1 15", "fine:2 30")
	wants := []string{"none: is empty", "other: is neither a capture nor text: this is a program", ": is a directory", "missing: no such file or directory", "-: standard input can be read only once"}
	if len(errs) != len(wants) {
		t.Fatalf("errors are %q", errs)
	}
	for i, want := range wants {
		if !strings.HasSuffix(errs[i].Error(), want) {
			t.Errorf("error is %q, want %q", errs[i], want)
		}
	}
	for i, info := range tr.Infos() {
		failed := slices.Contains([]int{0, 2, 3, 4, 5, 7}, i)
		if info.File != paths[i] || failed != (info.Err != nil) || failed != (len(info.Warnings) == 1) {
			t.Errorf("info of %s is %+v", paths[i], info)
		}
	}
}

func TestTrace_progressReachesTheEndOfDamagedFiles(t *testing.T) {
	content := append(pcapOf(10), make([]byte, 3*blockSize)...)
	_, tr := readTrace(t, save(t, map[string][]byte{"x": content}), Options{})
	if read, total := tr.Progress(); read != total || total != int64(len(content)) {
		t.Errorf("progress %d of %d at the end of %d bytes", read, total, len(content))
	}
}

// A clock that steps back does not set back the trace.
func TestTrace_clockStep(t *testing.T) {
	ng := newPcapngWriter(littleEndian)
	ng.section()
	ng.iface(LinkRaw, opt{optResolution, []byte{9}})
	for _, at := range []int64{100 * sec, 101 * sec, 100*sec + 1, 61 * sec, 62 * sec, 2 * sec, 4 * sec} {
		ng.packet(0, uint64(at), []byte("x"), 1)
	}
	ng.statistics(0, ng.u64opt(optReceived, 7), ng.stampopt(optEndTime, uint64(9*sec)))
	paths := save(t, map[string][]byte{"a": ng.Bytes(), "b": pcapOf(50 * sec)})
	for _, paths := range [][]string{paths[:1], paths} {
		tr, errs := OpenTrace(paths, Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		var fr Frame
		var lines []string
		for tr.Next(&fr) == nil {
			if fr.File == 0 {
				lines = append(lines, fmt.Sprintf("%d %v %d", fr.At, fr.Stepped, tr.RawTime(0, fr.Num, fr.At)))
			}
		}
		wantLines(t, lines,
			"100000000000 false 100000000000",
			"101000000000 false 101000000000",
			"100000000001 false 100000000001", // reordered, no step
			"101000000000 true 61000000000",
			"102000000000 false 62000000000",
			"102000000000 true 2000000000",
			"104000000000 false 4000000000")
		if tr.Steps() != 2 || tr.End() != 109*sec {
			t.Errorf("%d steps, end %d", tr.Steps(), tr.End())
		}
		if got := tr.RawTime(0, 5, 102*sec); got != 62*sec {
			t.Errorf("frame 5 was recorded at %d", got)
		}
		info := tr.Infos()[0]
		if info.First != 2*sec || info.Last != 101*sec || info.End != 9*sec {
			t.Errorf("info has other times than the file: %+v", info)
		}
		wantLines(t, info.Warnings, "the clock went back by 40s at frame 4, and stepped 1 times more: later times are shifted so that time goes on")
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		name    string
		several bool
		raw     []int64 // seconds
		want    []int64
	}{
		{"a single zero", false, []int64{1e9, 0, 1e9 + 7, 1e9 + 8}, []int64{1e9, 1e9, 1e9 + 7, 1e9 + 8}},
		{"a single future", false, []int64{1e9, 4e9, 1e9 + 7, 1e9 + 9}, []int64{1e9, 4e9, 4e9, 4e9 + 2}},
		{"a step and silence", false, []int64{100, 95, 115, 116}, []int64{100, 100, 120, 121}},
		{"interfaces apart", true, []int64{100, 95, 100, 95, 101, 96}, []int64{100, 100, 100, 100, 101, 101}},
		{"the end of time", false, []int64{4.6e9, 4.7e9, 0, 5}, []int64{4.6e9, maxTime / sec, maxTime / sec, maxTime / sec}},
	}
	for _, tt := range tests {
		var c clock
		c.several = tt.several
		for i, raw := range tt.raw {
			raw := min(raw*sec, maxTime)
			at, _ := c.traceTime(uint32(i+1), raw)
			if at/sec != tt.want[i] {
				t.Errorf("%s: frame %d is at %d, want %d", tt.name, i+1, at/sec, tt.want[i])
			}
			if back := c.steps.RawTime(uint32(i+1), at); back != raw && at != maxTime {
				t.Errorf("%s: frame %d was recorded at %d, not %d", tt.name, i+1, raw, back)
			}
		}
	}
}

// Noise instead of times neither sets back the clock nor uses unbounded memory.
func TestClock_noise(t *testing.T) {
	var c clock
	last := int64(0)
	for i := range uint32(10 * maxSteps) {
		at, _ := c.traceTime(i+1, int64(i*2654435761)<<20)
		if at < last-stepBack {
			t.Fatalf("frame %d: from %d to %d", i+1, last, at)
		}
		last = max(last, at)
	}
	if len(c.steps) > maxSteps {
		t.Errorf("%d steps kept", len(c.steps))
	}
}

// A frame that has come through a pipe is given out without waiting for more.
func TestFile_livePipe(t *testing.T) {
	ng := newPcapngWriter(littleEndian)
	ng.section()
	ng.iface(LinkEthernet)
	ng.packet(0, 1, []byte("x"), 1)
	for name, part := range map[string][]byte{"pcap": pcapOf(1), "pcapng": ng.Bytes()} {
		r, w := io.Pipe()
		taken := make(chan bool)
		go func() {
			w.Write(part)
			<-taken
			w.Close()
		}()
		f, err := open("-", &Options{Stdin: r}, blockSize)
		if err != nil {
			t.Fatal(err)
		}
		var fr Frame
		if err := f.Next(&fr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		close(taken)
		if err := f.Next(&fr); err != io.EOF {
			t.Errorf("%s: %v at the end", name, err)
		}
	}
}
