package engine

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// Below 256 MB no garbage is collected, so a run takes at peak what it allocates in all: what is
// allocated for a connection more, and then kept or not, must not grow unseen. Connections that
// close in order leave a compact record, those that do not also what watched them.
func TestRun_allocatesLittleForAConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		detectors []*detectors.Detector
		time      bool
		most      int64 // bytes
	}{
		"no detectors": {most: 150},
		"all":          {detectors: catalogue.All, most: 650},
		"--time":       {detectors: catalogue.All, time: true, most: 2600},
	} {
		few, size := allocated(t, 30_000, Options{Detectors: tt.detectors, Time: tt.time})
		more, grown := allocated(t, 120_000, Options{Detectors: tt.detectors, Time: tt.time})
		if each := (grown - size) / (more - few); each > tt.most {
			t.Errorf("%s: %d bytes are allocated for a connection, want %d at most", name, each, tt.most)
		}
	}
}

// allocated is how many bytes the analysis of so many frames of short connections allocates,
// and how many connections these are.
func allocated(t *testing.T, frames int64, o Options) (connections, size int64) {
	var file bytes.Buffer
	if _, err := tracegen.Write(&file, tracegen.Spec{Frames: frames, Flows: 500, Web: true, Snap: 96, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	files, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: &file})
	for _, err := range errs {
		t.Fatal(err)
	}
	defer files.Close()
	o.Workers = 1
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := Run(context.Background(), files, o)
	runtime.ReadMemStats(&after)
	return int64(r.Totals.Flows), int64(after.TotalAlloc - before.TotalAlloc)
}
