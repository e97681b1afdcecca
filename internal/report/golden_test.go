package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

type writer func(io.Writer, *result.Report, Options) error

func with(change func(*Options)) Options {
	o := testOptions()
	change(&o)
	return o
}

// TestGolden holds every format to a file that a person has looked at.
func TestGolden(t *testing.T) {
	everyOption := with(func(o *Options) { o.Flows, o.Undecided = true, true })
	for _, tt := range []struct {
		golden string
		write  writer
		report *result.Report
		o      Options
	}{
		{"everything.txt", Text, everything(), everyOption},
		{"decided.txt", Text, everything(), testOptions()},
		{"crowded.txt", Text, crowded(), testOptions()},
		{"crowded.ss.txt", Text, crowded(), with(func(o *Options) { o.Names = SS })},
		{"colour.txt", Text, everything(), with(func(o *Options) { o.Color = true })},
		{"nothing.txt", Text, nothing(), testOptions()},
		{"hostile.txt", Text, hostile(), everyOption},
		{"everything.json", JSON, everything(), testOptions()},
		{"nothing.json", JSON, nothing(), testOptions()},
		{"hostile.json", JSON, hostile(), testOptions()},
		{"everything.ndjson", NDJSON, everything(), testOptions()},
		{"everything.csv", CSV, everything(), testOptions()},
		{"flows.csv", CSV, everything(), everyOption},
		{"hostile.csv", CSV, hostile(), testOptions()},
		{"everything.md", Markdown, everything(), everyOption},
		{"crowded.md", Markdown, crowded(), testOptions()},
		{"nothing.md", Markdown, nothing(), testOptions()},
		{"hostile.md", Markdown, hostile(), testOptions()},
		{"everything.html", withoutStyle(pictured), everything(), everyOption},
		{"crowded.html", withoutStyle(HTML), crowded(), testOptions()},
		{"nothing.html", withoutStyle(pictured), nothing(), testOptions()},
		{"hostile.html", withoutStyle(HTML), hostile(), testOptions()},
		{"states.txt", states(StatesText), nil, testOptions()},
		{"states.ss.txt", states(StatesText), nil, with(func(o *Options) { o.Names = SS })},
		{"states.json", states(StatesJSON), nil, with(func(o *Options) { o.Names = SS })},
		{"list.txt", func(w io.Writer, _ *result.Report, o Options) error {
			return List(w, []*detectors.Detector{probeLoop, lostFIN}, o)
		}, nil, testOptions()},
		{"explain.txt", func(w io.Writer, _ *result.Report, o Options) error {
			return Explain(w, probeLoop, "A reader that hangs.\n\n-- trace --\n0.000\tclient > server  S  0:0(0) win 64240\n", o)
		}, nil, testOptions()},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var got bytes.Buffer
			if err := tt.write(&got, tt.report, tt.o); err != nil {
				t.Fatal(err)
			}
			compare(t, tt.golden, got.Bytes())
		})
	}
}

func states(write func(io.Writer, int64, []Endpoint, Options) error) writer {
	return func(w io.Writer, _ *result.Report, o Options) error { return write(w, after(60), sockets, o) }
}

func compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", golden)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -update ./internal/report rewrites it. Got:\n%s", path, got)
	}
}
