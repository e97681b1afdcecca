package taps_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

// What one tap shows, and what happened between two, is undecided if bytes of a capture are damaged.
func TestDamaged(t *testing.T) {
	const ip = 14 // where the header is in a frame of Ethernet
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Connections: 3, Exchanges: 30, Loss: 0.15, MSS: 1300})
	client, server := pathsim.Pcap(r.Taps[0]), pathsim.Pcap(r.Taps[1])
	seen := func(where string) (n int) {
		rep, _ := analyse(t, taps.Options{}, file{"client.pcap", client}, file{"server.pcap", server})
		if len(rep.Taps) != 2 {
			t.Fatalf("%d taps", len(rep.Taps))
		}
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.Verdict == detectors.Seen && strings.Contains(f.Detector+f.Message, where) {
				n++
			}
		}
		return n
	}
	if seen("") == 0 || seen("-between") == 0 || seen(".pcap") == 0 {
		t.Fatal("nothing is seen where nothing is damaged")
	}
	for _, b := range [][]byte{client, server} {
		for n, off := 0, 24; off < len(b); n++ {
			if n%4 == 0 {
				b[off+16+ip+5] ^= byte(1 + n%255)
			}
			off += 16 + int(binary.LittleEndian.Uint32(b[off+8:]))
		}
		if n := seen("-between") + seen(".pcap"); n > 0 {
			t.Errorf("%d findings say what happened between taps, though bytes are damaged", n)
		}
	}
	if n := seen(""); n > 0 {
		t.Errorf("%d are seen where bytes are damaged", n)
	}
}
