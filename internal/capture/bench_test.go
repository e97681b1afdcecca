package capture

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// benchRead reads a file of a million frames of 96 bytes over and over, from
// the page cache, and reports the cost of a frame.
func benchRead(b *testing.B, content func(int) []byte, name func(path string) []string) {
	const frames = 1_000_000
	path := filepath.Join(b.TempDir(), "x")
	if err := os.WriteFile(path, content(frames), 0o600); err != nil {
		b.Fatal(err)
	}
	var fr Frame
	b.ReportAllocs()
	for b.Loop() {
		tr, errs := OpenTrace(name(path), Options{})
		if errs != nil {
			b.Fatal(errs)
		}
		n := 0
		for tr.Next(&fr) == nil {
			n++
		}
		if n != frames*len(name(path)) {
			b.Fatalf("read %d frames", n)
		}
	}
	perFrame := float64(b.Elapsed()) / float64(b.N*frames*len(name(path)))
	b.ReportMetric(perFrame, "ns/frame")
	b.ReportMetric(0, "ns/op")
}

func one(path string) []string { return []string{path} }

func manyPcap(frames int) []byte {
	w := newPcapWriter(pcapHeader{})
	data := make([]byte, 96)
	for i := range frames {
		w.record(int64(i)*int64(time.Microsecond), data, 1460)
	}
	return w.Bytes()
}

func manyPcapng(frames int) []byte {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	data := make([]byte, 96)
	for i := range frames {
		w.packet(0, uint64(i), data, 1460)
	}
	return w.Bytes()
}

func BenchmarkReadPcap(b *testing.B)   { benchRead(b, manyPcap, one) }
func BenchmarkReadPcapng(b *testing.B) { benchRead(b, manyPcapng, one) }
func BenchmarkReadMerged(b *testing.B) {
	benchRead(b, manyPcap, func(path string) []string { return []string{path, path} })
}
