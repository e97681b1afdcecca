package taps_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

var whole = flag.Bool("matrix", false, "run the whole matrix of delays, clocks and rewriting, not every nineteenth")

// TestMatrix holds what is reported against what the router did: {0, 0.5, 15, 80 ms}
// one way, {0, 7 s, 3 h} offset, {0, 20, 200 ppm, one step}, with and without address
// translation, rewriting of sequence numbers, IP IDs, and IPv6.
func TestMatrix(t *testing.T) {
	n := 0
	for _, delay := range []time.Duration{0, 500 * time.Microsecond, 15 * time.Millisecond, 80 * time.Millisecond} {
		for _, offset := range []time.Duration{0, 7 * time.Second, 3 * time.Hour} {
			for _, drift := range []float64{0, 20, 200, -1} {
				for _, nat := range []bool{false, true} {
					for _, shift := range []uint32{0, 0x80001234} {
						for _, ids := range []string{"ID", "no ID", "IPv6"} {
							n++
							if !*whole && n%19 != 0 {
								continue
							}
							c := pathsim.Config{Seed: uint64(n), OneWay: delay, Offset: offset, NAT: nat, Shift: shift, NoID: ids == "no ID", V6: ids == "IPv6",
								Jitter: min(delay/5, time.Millisecond), Loss: 0.02, Connections: 2, Exchanges: 60, Answer: 30000, Think: 400 * time.Millisecond}
							if drift < 0 {
								c.StepAt, c.Step = 14*time.Second, 250*time.Millisecond
							} else {
								c.Skew = drift
							}
							t.Run(fmt.Sprintf("%v offset %v drift %v NAT %t shift %t %s", delay, offset, drift, nat, shift != 0, ids), func(t *testing.T) {
								t.Parallel()
								compare(t, &c, pathsim.Run(c))
							})
						}
					}
				}
			}
		}
	}
}

// compare compares a report of both taps with the log.
func compare(t *testing.T, c *pathsim.Config, r *pathsim.Result) {
	rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(r.Taps[1])})
	if len(rep.Taps) != 2 {
		t.Fatalf("%d taps", len(rep.Taps))
	}
	compareLost(t, c, r, rep)
	compareClock(t, c, &rep.Taps[1])
}

func compareLost(t *testing.T, c *pathsim.Config, r *pathsim.Result, rep *result.Report) {
	t.Helper()
	want := [2]map[uint32]bool{{}, {}}
	for _, x := range r.Log {
		tap := 0
		if x.FromServer {
			tap = 1
		}
		if x.Lost && x.Near >= 0 {
			want[tap][uint32(x.Near+1)] = true
		}
	}
	var sent, other uint64
	var extra [2]int
	for i := range rep.Flows {
		for k := range rep.Flows[i].Between {
			b := &rep.Flows[i].Between[k]
			for side := range b.Way {
				w := &b.Way[side]
				if sum := w.Arrived + w.Partial + uint64(len(w.Lost)) + w.Missed + w.Undecided + w.Uncovered; sum != w.Sent {
					t.Errorf("sent %d, but all fates are %d: %+v", w.Sent, sum, w)
				}
				sent += w.Sent
				other += w.Missed + w.Undecided + w.Uncovered + w.Partial
				for _, l := range w.Lost {
					if want[l.Tap][l.Frame] {
						delete(want[l.Tap], l.Frame)
					} else if i := slices.IndexFunc(l.OneOf, func(f uint32) bool { return want[l.Tap][f] }); i >= 0 {
						delete(want[l.Tap], l.OneOf[i])
					} else {
						extra[l.Tap]++
						t.Logf("tap %d frame %d is not lost: %v len %d at %d", l.Tap, l.Frame, l.Seg.Flags, l.Seg.Len, l.Seg.At-pathsim.Epoch)
					}
				}
			}
			if len(b.Injected) > 0 {
				t.Errorf("injected %+v", b.Injected)
			}
		}
	}
	for tap := range want {
		left := len(want[tap])
		// At the very ends nobody can tell: these are uncovered.
		if plain := !c.NoID && !c.V6; extra[tap] > 0 && plain || left > int(other) || !plain && extra[tap] > left+int(other) {
			t.Errorf("tap %d: %d false, %d not reported %v; %d undecided of %d", tap, extra[tap], left, want[tap], other, sent)
		}
	}
	if other > sent/50 {
		t.Errorf("%d of %d segments are undecided", other, sent)
	}
}

func compareClock(t *testing.T, c *pathsim.Config, tap *result.Tap) {
	t.Helper()
	smallest := int64(2*c.OneWay) + int64(4*time.Microsecond)
	check := func(k *result.Clock, want int64) {
		t.Helper()
		if !k.HasOffset {
			t.Errorf("no offset: %+v", tap)
			return
		}
		if off := max(k.Offset-want, want-k.Offset); off > k.Uncertainty {
			t.Errorf("offset %v, want %v within %v", time.Duration(k.Offset), time.Duration(want), time.Duration(k.Uncertainty))
		}
		// The speed is not known exactly, so the first segments bound the offset at the
		// first of them, and these had jitter.
		if k.Uncertainty > smallest/2+2000+2*int64(c.Jitter) {
			t.Errorf("uncertainty %v of a round trip of %v", time.Duration(k.Uncertainty), time.Duration(smallest))
		}
		if off := math.Abs(k.Skew - c.Skew); k.HasSkew && off > 5 && off > k.SkewUncertainty {
			t.Errorf("skew %.1f ppm, want %.1f within %.1f", k.Skew, c.Skew, k.SkewUncertainty)
		}
	}
	at := tap.Epoch - pathsim.Epoch
	check(&tap.Clock, int64(c.Offset)+int64(c.Skew*1e-6*float64(at)))
	if c.Step != 0 {
		if len(tap.Parts) != 1 || tap.Parts[0].On != "server.pcap" && !c.NoStamp {
			t.Fatalf("steps: %+v", tap.Parts)
		}
		check(&tap.Parts[0].Clock, int64(c.Offset+c.Step))
	} else if len(tap.Parts) > 0 {
		t.Errorf("steps: %+v", tap.Parts)
	}
}
