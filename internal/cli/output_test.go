package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// All writers check again when they write: an input that was moved to the place of
// an output during the run is not overwritten.
func TestGuard_latecomer(t *testing.T) {
	open := func(name string) *capture.Trace {
		trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		return trace
	}
	split := shard.Split{Shards: 1}
	for name, write := range map[string]func(path string, g *output.Guard, input string) error{
		"report.json": func(path string, g *output.Guard, _ string) error {
			return g.Replace(path, func(w io.Writer) error { _, err := io.WriteString(w, "{}"); return err })
		},
		"unretransmitted-fin-034eebf1b682f60a.pcapng": func(path string, g *output.Guard, input string) error {
			r := engine.Run(context.Background(), open(input), engine.Options{Detectors: catalogue.All})
			_, err := evidence.Write(context.Background(), filepath.Dir(path),
				func() (evidence.Source, error) { return open(input), nil }, r, evidence.Options{Guard: g})
			return err
		},
		"shard-000": func(path string, g *output.Guard, input string) error {
			split.Guard = g
			trace := open(input)
			_, err := split.Run(context.Background(), trace.Infos(), source.Segments(context.Background(), trace, &engine.Options{}))
			return err
		},
		"kept": func(path string, g *output.Guard, _ string) error {
			return (&live.Keeper{Name: path, Guard: g}).Open()
		},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile("../../samples/unretransmitted-fin.pcapng")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			input, path := filepath.Join(t.TempDir(), "in.pcapng"), filepath.Join(dir, name)
			if err := os.WriteFile(input, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var g output.Guard
			g.Protect("the input in.pcapng", input)
			if split.Dir = dir; split.Prepare() != nil {
				t.Fatal("the directory is not empty")
			}
			if err := os.Rename(input, path); err != nil {
				t.Fatal(err)
			}
			err = write(path, &g, path)
			if err == nil || !strings.Contains(err.Error(), path+" would overwrite the input in.pcapng") {
				t.Errorf("error %v, want one that names %s and in.pcapng", err, path)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the input has changed (%v)", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("%v are left, want the input alone", entries)
			}
		})
	}
}

// The files of a named directory are protected, devices and missing files are not.
func TestGuard_directory(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "in.pcapng")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var g output.Guard
	g.Protect("the input "+dir, dir)
	g.Protect("the input "+os.DevNull, os.DevNull)
	g.Protect("the input gone", filepath.Join(dir, "gone"))
	if err := g.Check("-o x", name); err == nil || err.Error() != "-o x would overwrite the input "+dir+"; choose another output" {
		t.Errorf("error %v", err)
	}
	for _, other := range []string{os.DevNull, dir, filepath.Join(dir, "gone")} {
		if err := g.Check("-o x", other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
}
