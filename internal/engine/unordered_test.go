package engine_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// A capture whose times go back and forth shows no order and no duration. One whose clock was set does, however often that was.
func TestUnordered(t *testing.T) {
	sample, err := os.ReadFile("../../samples/real/scale-lost-on-the-way.pcap")
	if err != nil {
		t.Fatal(err)
	}
	const away = 100 // seconds
	for _, c := range []struct {
		name      string
		moved     func(n int) int // seconds by which the time of the n-th packet is earlier
		unordered bool
	}{
		{"back and forth eight times", func(n int) int { return min(n, 16) % 2 * away }, true},
		{"back and forth seven times", func(n int) int { return min(n, 14) % 2 * away }, false},
		{"wrong, and right again, eight times", func(n int) int { return min(n, 16) % 2 * 72 * away }, false},
		{"set back twelve times", func(n int) int { return min(n, 12) * away }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file, n := bytes.Clone(sample), 0
			for off := 24; off < len(file); n++ {
				sec := file[off:]
				binary.LittleEndian.PutUint32(sec, binary.LittleEndian.Uint32(sec)-uint32(c.moved(n)))
				off += 16 + int(binary.LittleEndian.Uint32(file[off+8:]))
			}
			if n < 18 {
				t.Fatalf("the sample has %d packets only", n)
			}
			rep := findingsIn(t, file)
			told := false
			for i := range rep.Findings {
				f := &rep.Findings[i]
				told = told || strings.Contains(f.Reason, "order of time")
				if c.unordered && f.Verdict == detectors.Seen {
					t.Errorf("%s is seen", f.Detector)
				}
			}
			if told != c.unordered {
				t.Errorf("a reason speaks of the order of time: %v", told)
			}
			if warned := strings.Contains(strings.Join(rep.Captures[0].Warnings, " "), "order of time"); warned != c.unordered {
				t.Errorf("warnings are %q", rep.Captures[0].Warnings)
			}
		})
	}
}

// A capture whose packets all have the same time has no times.
func TestUntimed(t *testing.T) {
	sample, err := os.ReadFile("../../samples/real/scale-lost-on-the-way.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		last    bool // has another time
		untimed bool
	}{
		{"all the same", false, true},
		{"but the last", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := bytes.Clone(sample[:24])
			for off := 24; off < len(sample); {
				size := 16 + int(binary.LittleEndian.Uint32(sample[off+8:]))
				packet := bytes.Clone(sample[off : off+size])
				copy(packet[:8], sample[24:])
				if off += size; off == len(sample) && c.last {
					packet[4]++
				}
				file = append(file, packet...)
			}
			rep := findingsIn(t, file)
			seen := false
			for i := range rep.Findings {
				seen = seen || rep.Findings[i].Verdict == detectors.Seen
			}
			if c.untimed && seen {
				t.Error("a finding is seen")
			}
			if warned := strings.Contains(strings.Join(rep.Captures[0].Warnings, " "), "same time"); warned != c.untimed {
				t.Errorf("warnings are %q", rep.Captures[0].Warnings)
			}
		})
	}
}
