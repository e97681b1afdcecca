package taps_test

import (
	"bytes"
	"hash/crc32"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// damage changes what two taps saw of a path, by five bytes a time: which tap, which
// segment, what, and how much.
func damage(seen *[2][]reassembly.Segment, script []byte) {
	const size, most = 5, 200
	for n := 0; len(script) >= size && n < most; script, n = script[size:], n+1 {
		segs := &seen[script[0]&1]
		if len(*segs) == 0 {
			continue
		}
		i, by := (int(script[1])|int(script[2])<<8)%len(*segs), script[4]
		s := &(*segs)[i]
		switch script[3] % 12 {
		case 0:
			*segs = slices.Delete(*segs, i, i+1)
		case 1: // captured twice
			*segs = slices.Insert(*segs, i, *s)
		case 2: // everything from here on is later, or earlier
			for k := range (*segs)[i:] {
				(*segs)[i+k].At += int64(int8(by)) * int64(300*time.Microsecond)
			}
		case 3:
			s.At += int64(int8(by)) * int64(20*time.Millisecond)
		case 4:
			s.Seq += reassembly.Seq(int8(by))
		case 5:
			s.Ack += reassembly.Seq(int8(by)) * 100
		case 6:
			s.Flags = reassembly.Flags(by)
		case 7:
			s.Window = uint16(by) * 257
		case 8:
			s.Len = uint32(by) * 8
		case 9:
			s.IPID, s.TTL = uint16(by), by
		case 10:
			s.Src.Port ^= uint16(by & 1)
		case 11:
			s.Opts = reassembly.Options{}
		}
	}
}

// paths are what both taps see of each kind of path, which takes as long as to analyse it.
var paths [256]*[2][]reassembly.Segment

// pathOf is a copy of what both taps see of a path.
func pathOf(kind uint8) [2][]reassembly.Segment {
	if paths[kind] == nil {
		c := pathsim.Config{Seed: 1, OneWay: 10 * time.Millisecond, Exchanges: 3, NAT: kind&1 != 0, NoID: kind&2 != 0, V6: kind&4 != 0, Loss: float64(kind>>6) / 40, Offset: time.Duration(kind>>5&1) * time.Hour}
		if kind&8 != 0 {
			c.Shift = 1 << 31
		}
		seen := pathsim.Run(c).Taps
		paths[kind] = &[2][]reassembly.Segment{seen[0], seen[1]}
	}
	return [2][]reassembly.Segment{slices.Clone(paths[kind][0]), slices.Clone(paths[kind][1])}
}

// Whatever two taps say of the same path, nothing panics, no finding is without evidence,
// and the number of workers makes no difference, which one of eight scripts looks at.
func FuzzTaps(f *testing.F) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // each fuzzing process has its own; there, one worker is no other goroutine
	for k := range byte(12) {
		f.Add([]byte{0, 20, 0, k, 9, 1, 33, 0, k, 200}, uint8(k))
	}
	f.Fuzz(func(t *testing.T, script []byte, kind uint8) {
		both := pathOf(kind)
		damage(&both, script)
		files := []file{{"client.pcap", pathsim.Pcap(both[0])}, {"server.pcap", pathsim.Pcap(both[1])}}
		to := taps.Options{}
		if kind&16 != 0 {
			to.Named = []taps.Named{{Name: "client", Files: []string{"client.pcap"}}, {Name: "server", Files: []string{"server.pcap"}}}
		}
		one, _ := analyseBy(t, 1, to, files...)
		if crc32.ChecksumIEEE(script)%8 == 0 {
			four, _ := analyseBy(t, 4, to, files...)
			if a, b := written(t, one), written(t, four); !bytes.Equal(a, b) {
				t.Errorf("one worker reports\n%s\nfour\n%s", a, b)
			}
		}
		ids := map[string]bool{}
		for i := range one.Findings {
			g := &one.Findings[i]
			if ids[g.ID] || len(g.Evidence) == 0 || g.Message == "" || g.End < g.Start {
				t.Errorf("%s/%s %s: %d frames, %q, from %d to %d", g.Detector, g.Outcome, g.ID, len(g.Evidence), g.Message, g.Start, g.End)
			}
			ids[g.ID] = true
			for _, e := range g.Evidence {
				if e.Seg.Frame == 0 || int(e.Seg.Tap) > 1 || e.Role == "" {
					t.Errorf("%s/%s: evidence %q is frame %d of tap %d", g.Detector, g.Outcome, e.Role, e.Seg.Frame, e.Seg.Tap)
				}
			}
		}
	})
}

// written is a report as JSON.
func written(t *testing.T, r *result.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
