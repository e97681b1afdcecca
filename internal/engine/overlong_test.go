package engine

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// The warning about packets that say that they are longer than their frame is that of their file.
func TestRun_overlong(t *testing.T) {
	const (
		file, record = 24, 16 // headers of a pcap file
		length       = 14 + 2 // of the total length in an Ethernet frame with IPv4
	)
	whole, _ := trace(t, tracegen.Spec{Frames: 100, IPv6: -1})
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	frame := b[file:]
	for range 50 { // the first of a file may be cut
		frame = frame[record+int(binary.LittleEndian.Uint32(frame[8:])):]
	}
	binary.BigEndian.PutUint16(frame[record+length:], 9000)
	damaged := filepath.Join(t.TempDir(), "damaged.pcap")
	if err := os.WriteFile(damaged, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if w := run(t, Options{}, whole).Captures[0].Warnings; len(w) != 0 {
		t.Errorf("warnings about a whole file: %q", w)
	}
	want := "packets longer than their frame was on the wire, as their IP header says: 1; the length of the frame counts"
	if w := run(t, Options{}, damaged).Captures[0].Warnings; len(w) != 1 || w[0] != want {
		t.Errorf("warnings are %q, want %q", w, want)
	}
}
