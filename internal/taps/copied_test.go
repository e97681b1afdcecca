package taps_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// again is the segments of a tap, with what it captured of each on another link.
func again(segs []reassembly.Segment, also func(s *reassembly.Segment) []reassembly.Segment) (all []reassembly.Segment) {
	for i := range segs {
		all = append(append(all, segs[i]), also(&segs[i])...)
	}
	slices.SortStableFunc(all, func(a, b reassembly.Segment) int { return int(a.At - b.At) })
	for i := range all {
		all[i].Frame = uint32(i + 1)
	}
	return all
}

// forwarded is the segment behind a router.
func forwarded(s *reassembly.Segment, after time.Duration) reassembly.Segment {
	f := *s
	f.At += int64(after)
	f.TTL--
	return f
}

// TestBetween_forwarder: a tap that is a router, and captures on both of its links, sees each segment twice. What was lost between it and
// the other tap is what either shows to be lost that captures on one link, and nothing came twice.
func TestBetween_forwarder(t *testing.T) {
	for _, c := range []pathsim.Config{
		{Seed: 6, OneWay: 10 * time.Millisecond, Loss: 0.03, Exchanges: 20},
		{Seed: 7, OneWay: 10 * time.Millisecond, Loss: 0.03, Exchanges: 20, NoID: true},
		{Seed: 8, OneWay: 10 * time.Millisecond, Loss: 0.03, Exchanges: 20, NoID: true, NoStamp: true},
	} {
		plain := both(t, pathsim.Run(c)).Flows[0].Between[0].Way
		for tap := range 2 {
			r := pathsim.Run(c)
			r.Taps[tap] = again(r.Taps[tap], func(s *reassembly.Segment) []reassembly.Segment {
				after := 9 * time.Microsecond
				if s.IPID%8 == 1 {
					after = 2100 * time.Microsecond // the router was busy
				}
				return []reassembly.Segment{forwarded(s, after)}
			})
			for side, w := range both(t, r).Flows[0].Between[0].Way {
				if want := &plain[side]; !sameWay(&w, want) || len(want.Lost) == 0 {
					t.Errorf("%+v: the router is tap %d, side %d: sent %d, arrived %d, %d lost, %d twice, want %d, %d, %d, 0",
						c, tap, side, w.Sent, w.Arrived, len(w.Lost), len(w.Duplicated), want.Sent, want.Arrived, len(want.Lost))
				}
			}
		}
	}
}

func sameWay(w, want *result.Way) bool {
	return w.Sent == want.Sent && w.Arrived == want.Arrived && len(w.Lost) == len(want.Lost) && w.Missed == want.Missed && w.Undecided == want.Undecided && len(w.Duplicated) == 0
}

// TestBetween_forwarderCuts: what comes to the router in one large segment leaves it in two, of which each counts.
func TestBetween_forwarderCuts(t *testing.T) {
	run := func() *pathsim.Result {
		dropped := false
		return pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 20, Answer: 5600, Drop: func(s *pathsim.Sent) bool {
			drop := !dropped && s.FromServer && s.Seg.Len > 0 && s.N > 20
			dropped = dropped || drop
			return drop
		}})
	}
	r := run()
	plain := both(t, r).Flows[0].Between[0].Way[reassembly.B]
	before := len(r.Taps[1])
	for i := len(r.Taps[1]) - 2; i >= 0; i-- { // before the two that it was cut into
		one, two := r.Taps[1][i], r.Taps[1][i+1]
		if one.Len > 0 && two.Len > 0 && one.End() == two.Seq && one.Src == two.Src && one.Ack == two.Ack && two.IPID == one.IPID+1 && one.Opts == two.Opts {
			one.Len, one.TTL, one.At = one.Len+two.Len, one.TTL+1, one.At-int64(5*time.Microsecond)
			r.Taps[1] = slices.Insert(r.Taps[1], i, one)
			i--
		}
	}
	cut := len(r.Taps[1]) - before
	r.Taps[1] = again(r.Taps[1], func(*reassembly.Segment) []reassembly.Segment { return nil })
	w := both(t, r).Flows[0].Between[0].Way[reassembly.B]
	if !sameWay(&w, &plain) || len(plain.Lost) != 1 || cut < 10 {
		t.Errorf("%d were cut: sent %d, arrived %d, %d lost, want %d, %d, %d", cut, w.Sent, w.Arrived, len(w.Lost), plain.Sent, plain.Arrived, len(plain.Lost))
	}
}

// TestBetween_notForwarded: what a host says twice is two segments. Without an IP identification, its copy has passed a router.
func TestBetween_notForwarded(t *testing.T) {
	for _, x := range []struct {
		name string
		edit func(s *reassembly.Segment)
		more int
	}{
		{"forwarded", func(s *reassembly.Segment) { s.TTL-- }, 0},
		{"the same TTL from another device", func(s *reassembly.Segment) { s.Link++ }, 1},
		{"a larger TTL", func(s *reassembly.Segment) { s.TTL++ }, 1},
		{"another window", func(s *reassembly.Segment) { s.TTL--; s.Window++ }, 1},
		{"too late", func(s *reassembly.Segment) { s.TTL--; s.At += int64(2 * time.Millisecond) }, 1},
	} {
		c := pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 20, NoID: true}
		sent := func(edit func(s *reassembly.Segment)) uint64 {
			r := pathsim.Run(c)
			n := 0
			r.Taps[0] = again(r.Taps[0], func(s *reassembly.Segment) []reassembly.Segment {
				if n++; n != 12 || edit == nil {
					return nil
				}
				f := *s
				f.At += int64(time.Microsecond)
				edit(&f)
				return []reassembly.Segment{f}
			})
			ways := both(t, r).Flows[0].Between[0].Way
			return ways[0].Sent + ways[1].Sent + uint64(len(ways[0].Duplicated)+len(ways[1].Duplicated))
		}
		if got, want := sent(x.edit), sent(nil)+uint64(x.more); got != want {
			t.Errorf("%s: %d sent, want %d", x.name, got, want)
		}
	}
}
