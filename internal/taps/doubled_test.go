package taps_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Two captures that were merged on one interface, of which neither TTL nor link-layer addresses
// say where a frame was captured: whatever the distance of the clocks, beyond a delay
// and beyond the connection, it is known who was where, and what was lost between both.
func TestDoubled_clocks(t *testing.T) {
	for _, offset := range []time.Duration{0, 60 * time.Millisecond, 3500 * time.Millisecond, 3 * time.Hour, -250 * time.Millisecond, -3500 * time.Millisecond, -3 * time.Hour} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			c := pathsim.Config{Seed: 5, OneWay: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Offset: offset, Answer: 400_000, Exchanges: 2, Think: 4 * time.Second}
			c.Drop = func(s *pathsim.Sent) bool { return s.Seg.Len > 0 && s.FromServer && s.N%97 == 50 }
			r := pathsim.Run(c)
			for tap := range r.Taps {
				for i := range r.Taps[tap] {
					r.Taps[tap][i].TTL, r.Taps[tap][i].Link = 64, 0
				}
			}
			rep, _ := analyse(t, taps.Options{}, file{"one.pcapng", pathsim.Merged(false, r.Taps[0], r.Taps[1])})
			if len(rep.Taps) != 2 || len(rep.Flows) != 1 || len(rep.Flows[0].Between) != 1 {
				t.Fatalf("%d taps, %d connections", len(rep.Taps), len(rep.Flows))
			}
			if rep.Taps[0].Recognised != "found" || rep.Taps[1].Recognised != "found" {
				t.Errorf("the taps are %q and %q, not found", rep.Taps[0].Recognised, rep.Taps[1].Recognised)
			}
			lost := map[uint16]bool{} // by IP ID
			for _, s := range r.Log {
				if s.Lost {
					lost[s.Seg.IPID] = true
				}
			}
			b := &rep.Flows[0].Between[0]
			for side := range b.Way {
				w := &b.Way[side]
				if w.DelayMin < int64(10*time.Millisecond) || w.DelayMedian > int64(40*time.Millisecond) {
					t.Errorf("delays of %v to %v", time.Duration(w.DelayMin), time.Duration(w.DelayMedian))
				}
				for _, l := range w.Lost {
					if reassembly.Side(side) != reassembly.B || !lost[l.Seg.IPID] {
						t.Errorf("side %d: frame %d is not lost", side, l.Frame)
					}
					delete(lost, l.Seg.IPID)
				}
				if w.Missed+w.Undecided+w.Uncovered > 0 {
					t.Errorf("side %d: %d missed, %d undecided, %d uncovered", side, w.Missed, w.Undecided, w.Uncovered)
				}
			}
			if len(lost) > 0 {
				t.Errorf("%d that were lost are not reported", len(lost))
			}
			if k := &rep.Taps[1].Clock; !k.HasOffset || min(abs(k.Offset-int64(offset)), abs(k.Offset+int64(offset))) > k.Uncertainty {
				t.Errorf("offset %v within %v", time.Duration(k.Offset), time.Duration(k.Uncertainty))
			}
		})
	}
}

func abs(n int64) int64 { return max(n, -n) }

// TestDoubled_missed: where one capture of both taps missed a frame of one, it may have missed pure ACKs
// of the other. Two captures miss frames each by itself.
func TestDoubled_missed(t *testing.T) {
	c := pathsim.Config{Seed: 5, OneWay: 20 * time.Millisecond, Answer: 40_000, Exchanges: 2}
	c.Drop = func(s *pathsim.Sent) bool {
		return s.Seg.Len == 0 && s.Seg.Flags == reassembly.ACK && !s.FromServer && s.N%7 == 3
	}
	for _, x := range []struct {
		name              string
		miss, merged, are bool
	}{{"one capture, nothing missed", false, true, true}, {"one capture", true, true, false}, {"two captures", true, false, true}} {
		t.Run(x.name, func(t *testing.T) {
			r := pathsim.Run(c)
			for tap := range r.Taps {
				for i := range r.Taps[tap] {
					r.Taps[tap][i].TTL, r.Taps[tap][i].Link = 64, 0
				}
			}
			if near := r.Taps[0]; x.miss {
				i := slices.IndexFunc(near, func(s reassembly.Segment) bool { return s.Len > 1000 })
				r.Taps[0] = slices.Delete(near, i, i+1)
			}
			files := []file{{"one.pcapng", pathsim.Merged(false, r.Taps[0], r.Taps[1])}}
			if !x.merged {
				files = []file{{"client.pcap", pathsim.Pcap(r.Taps[0])}, {"server.pcap", pathsim.Pcap(r.Taps[1])}}
			}
			rep, _ := analyse(t, taps.Options{}, files...)
			way := &rep.Flows[0].Between[0].Way
			if lost := len(way[reassembly.A].Lost) > 0; lost != x.are || (way[reassembly.B].Missed > 0) != x.miss || way[reassembly.A].Undecided > 0 == x.are {
				t.Errorf("%d ACKs lost, %d undecided; %d segments of the server missed", len(way[reassembly.A].Lost), way[reassembly.A].Undecided, way[reassembly.B].Missed)
			}
		})
	}
}

// Where one of the two taps has large segments, and the other the wire segments cut from them, each is at its own tap, and nothing
// was sent again. What a host sends again has another IP identification.
func TestDoubled_cut(t *testing.T) {
	for _, x := range []struct {
		name  string
		again bool // the server sends each second segment once more instead
	}{{"cut", false}, {"sent again", true}} {
		t.Run(x.name, func(t *testing.T) {
			c := pathsim.Config{Seed: 5, OneWay: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Offset: 100 * time.Millisecond, Answer: 400_000, Exchanges: 2}
			r := pathsim.Run(c)
			for tap := range r.Taps {
				for i := range r.Taps[tap] {
					r.Taps[tap][i].TTL, r.Taps[tap][i].Link = 64, 0
				}
			}
			near, joined := r.Taps[1], 0
			for i := 0; i+1 < len(near); i++ {
				p, n := &near[i], &near[i+1]
				if p.Src != n.Src || p.Len < 1000 || n.Len == 0 || p.End() != n.Seq || p.Ack != n.Ack || p.IPID+1 != n.IPID {
					continue
				}
				if joined++; x.again {
					p.IPID += 20000
				}
				p.Len += n.Len
				near = slices.Delete(near, i+1, i+2)
			}
			if joined < 100 {
				t.Fatalf("%d segments are joined", joined)
			}
			rep, _ := analyse(t, taps.Options{}, file{"one.pcapng", pathsim.Merged(false, r.Taps[0], near)})
			if x.again {
				if len(rep.Taps) > 0 {
					t.Errorf("%d taps", len(rep.Taps))
				}
				return
			}
			if len(rep.Taps) != 2 || len(rep.Flows) != 1 || len(rep.Flows[0].Between) != 1 {
				t.Fatalf("%d taps, %d connections", len(rep.Taps), len(rep.Flows))
			}
			if w := &rep.Flows[0].Between[0].Way[reassembly.B]; len(w.Lost) > 0 || w.Missed+w.Undecided+w.Uncovered+w.Partial > 0 {
				t.Errorf("%d lost, %d missed, %d undecided, %d uncovered, %d partial", len(w.Lost), w.Missed, w.Undecided, w.Uncovered, w.Partial)
			}
			if len(rep.Findings) > 0 {
				t.Errorf("found %s: %s", rep.Findings[0].Detector, rep.Findings[0].Message)
			}
		})
	}
}
