package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// In a capture whose bytes are damaged, nothing is certain. One whose addresses were replaced, or whose TTLs were, without new
// checksums, is not damaged, nor is one of two or three frames in many.
func TestDamaged(t *testing.T) {
	const ip = 14 // where the header is in a frame of Ethernet
	sample, err := os.ReadFile("../../samples/real/accept-queue-full.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		damage  func(n int, frame []byte)
		damaged bool
	}{
		{"as it is", func(int, []byte) {}, false},
		{"one header in four", func(n int, f []byte) {
			if n%4 == 0 {
				f[ip+4+n%2] ^= byte(n + 1)
			}
		}, true},
		{"three headers", func(n int, f []byte) {
			if n < 3 {
				f[ip+5] ^= byte(n + 1)
			}
		}, true},
		{"two headers", func(n int, f []byte) {
			if n < 2 {
				f[ip+5] ^= byte(n + 1)
			}
		}, false},
		{"all headers", func(n int, f []byte) { f[ip+5] ^= byte(n + 1) }, false},
		{"another TTL in some", func(n int, f []byte) {
			if n%4 == 0 {
				f[ip+8]--
			}
		}, false},
		{"no checksum", func(_ int, f []byte) { f[ip+10], f[ip+11] = 0, 0 }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := bytes.Clone(sample)
			n := 0
			for off := 24; off < len(file); n++ {
				size := int(binary.LittleEndian.Uint32(file[off+8:]))
				c.damage(n, file[off+16:off+16+size])
				off += 16 + size
			}
			rep := findingsIn(t, file)
			for i := range rep.Findings {
				f := &rep.Findings[i]
				if undecided := f.Verdict == detectors.Undecided && strings.Contains(f.Reason, "damaged"); undecided != c.damaged {
					t.Errorf("%s is %v: %q", f.Detector, f.Verdict, f.Reason)
				}
			}
			if warned := strings.Contains(strings.Join(rep.Captures[0].Warnings, " "), "damaged"); warned != c.damaged {
				t.Errorf("warnings are %q", rep.Captures[0].Warnings)
			}
		})
	}
}

// findingsIn is the report on a pcap file in which something is found.
func findingsIn(t *testing.T, file []byte) *result.Report {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	rep := engine.Run(context.Background(), trace, engine.Options{Detectors: catalogue.All})
	if len(rep.Findings) == 0 {
		t.Fatal("nothing was found")
	}
	return rep
}
