package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/beam/internal/store"
)

// Bad files are reported and do not fail the job. A damaged file is analysed up to the
// damage. Files can be in any of Beam's file systems.
func TestFiles(t *testing.T) {
	sample, err := os.ReadFile("../../samples/unretransmitted-fin.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	put := func(name string, data []byte) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	files := []string{
		put("cut.pcapng", sample[:len(sample)*3/4]),
		put("empty.pcap", nil),
		put("noise.pcap", []byte("\x00\x01\x02\x03 no capture")),
		put("whole.pcapng", sample),
	}
	ctx := context.Background()
	if err := store.Write(ctx, "memfs://captures/x.pcapng", sample); err != nil {
		t.Fatal(err)
	}
	local := Options{Inputs: append(files, filepath.Join(folder, "none*")), Output: filepath.Join(folder, "local")}
	elsewhere := Options{Inputs: []string{"memfs://captures/*"}, Output: filepath.Join(folder, "elsewhere")}
	run(t, local, elsewhere)
	same(t, local, files)

	letters, err := os.ReadFile(filepath.Join(local.Output, DeadLettersFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(letters), "\n"), "\n")
	for i, want := range []string{"cut.pcapng", "empty.pcap", "noise.pcap", "none*"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("letter %d is not of %s:\n%s", i+1, want, letters)
		}
	}
	lines, _, rows := func() ([]string, []byte, int) {
		l, s, r := single(t, elsewhere, files[3:])
		return strings.Split(strings.ReplaceAll(string(l), files[3], "memfs://captures/x.pcapng"), "\n"), s, len(r)
	}()
	check(t, elsewhere.Output, FindingsFile, []byte(strings.Join(lines, "\n")))
	if have := len(readTable(t, elsewhere.Output)); have != rows {
		t.Errorf("%d connections, want %d", have, rows)
	}
}

// An existing report stays, unless it is to be replaced.
func TestPrepare(t *testing.T) {
	o := Options{Inputs: []string{"x"}, Output: t.TempDir()}
	report := filepath.Join(o.Output, ReportFile)
	if err := os.WriteFile(report, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := Prepare(ctx, o, false); err == nil {
		t.Error("a report may be written over")
	}
	if err := Prepare(ctx, o, true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(report); err == nil {
		t.Error("the report that is to be replaced is still there")
	}
	for _, bad := range []Options{{Output: "x"}, {Inputs: o.Inputs}, {Inputs: o.Inputs, Output: "x", Detect: "nonsense"}, {Inputs: o.Inputs, Output: "x", Set: []string{"a.b"}}} {
		if err := Prepare(ctx, bad, false); err == nil {
			t.Errorf("%+v is good", bad)
		}
	}
}
