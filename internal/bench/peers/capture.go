package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// A capture is a generated file and what is in it.
type capture struct {
	file  string
	truth tracegen.Truth
}

// prepare returns the capture of a spec. It generates the capture if there is none,
// and reads it once into the page cache.
func prepare(dir string, spec tracegen.Spec) (capture, error) {
	c := capture{file: captureFile(dir, spec)}
	if _, err := os.Stat(c.file); errors.Is(err, fs.ErrNotExist) {
		if err := makeCapture(dir, spec); err != nil {
			return c, err
		}
	} else if err != nil {
		return c, err
	}
	report, err := os.ReadFile(truthFile(c.file))
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(report, &c.truth); err != nil {
		return c, fmt.Errorf("%s: %w", truthFile(c.file), err)
	}
	return c, warm(c.file)
}

func captureFile(dir string, s tracegen.Spec) string {
	return filepath.Join(dir, fmt.Sprintf("frames%d-flows%d-snap%d-flood%d-faults%d-web%t-loss%g-seed%d.pcap",
		s.Frames, s.Flows, s.Snap, s.Flood, s.Faults, s.Web, s.Loss, s.Seed))
}

func truthFile(capture string) string { return capture + ".json" }

// makeCapture writes the capture in another process, so that this one stays small:
// Linux never reports a child's peak memory below its parent's.
func makeCapture(dir string, spec tracegen.Spec) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-dir", dir, "-generate", string(text))
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// writeCapture writes the capture of a spec in JSON, completely or not at all.
func writeCapture(dir, text string) error {
	var spec tracegen.Spec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	final := captureFile(dir, spec)
	part := final + ".part"
	defer os.Remove(part)
	truth, err := writeTrace(part, spec)
	if err != nil {
		return err
	}
	report, err := json.MarshalIndent(truth, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(truthFile(final), report, 0o644); err != nil {
		return err
	}
	return os.Rename(part, final)
}

func writeTrace(file string, spec tracegen.Spec) (tracegen.Truth, error) {
	f, err := os.Create(file)
	if err != nil {
		return tracegen.Truth{}, err
	}
	truth, err := tracegen.Write(f, spec)
	return truth, errors.Join(err, f.Close())
}

// warm reads a file once.
func warm(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}
