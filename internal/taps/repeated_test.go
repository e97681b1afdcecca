package taps_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestRepeated: a file that holds segments of a connection again holds no retransmissions; what a
// host really sends again counts.
func TestRepeated(t *testing.T) {
	stamped, plain := healthy(pathsim.Config{}).Taps[0], healthy(pathsim.Config{NoStamp: true}).Taps[0]
	noIDs := healthy(pathsim.Config{NoID: true}).Taps[0]
	data := func(segs []reassembly.Segment) reassembly.Segment { // in the middle of a connection
		return segs[slices.IndexFunc(segs, func(s reassembly.Segment) bool { return s.Len > 0 && s.Src.Port == 443 })]
	}
	// again are segs, and one of their segments once more after each of some times, changed.
	again := func(segs []reassembly.Segment, change func(*reassembly.Segment), after ...time.Duration) []reassembly.Segment {
		all, seg := slices.Clone(segs), data(segs)
		for _, d := range after {
			seg.At += int64(d)
			change(&seg)
			all = append(all, seg)
		}
		return all
	}
	as, restamped := func(*reassembly.Segment) {}, func(s *reassembly.Segment) { s.Opts.TSVal += 500 }
	uneven := []time.Duration{3 * time.Second, 7100 * time.Millisecond, 2900 * time.Millisecond, 8 * time.Second}
	even := []time.Duration{3 * time.Second, 3 * time.Second, 3 * time.Second, 3 * time.Second}
	// byPort is a copy of each connection, shifted by a time of its own.
	byPort := func(segs []reassembly.Segment) []reassembly.Segment {
		copies := shifted(segs, 31*time.Second)
		for i := range copies {
			copies[i].At += int64(time.Duration(max(copies[i].Src.Port, copies[i].Dst.Port)%7) * time.Second)
		}
		return append(slices.Clone(segs), copies...)
	}
	reused := func(segs []reassembly.Segment) []reassembly.Segment { // its sender has one number for all
		all, from := again(segs, as, even...), data(segs).Src
		for i := range all {
			if all[i].Src == from {
				all[i].IPID = 1
			}
		}
		return all
	}
	for name, x := range map[string]struct {
		segs   []reassembly.Segment
		resent uint64
	}{
		"each connection shifted":                 {byPort(stamped), 0},
		"each connection shifted, no timestamps":  {byPort(plain), 0},
		"one frame over and over":                 {again(stamped, as, uneven...), 0},
		"one frame over and over, no timestamps":  {again(plain, as, uneven...), 4},
		"one frame at even times, no timestamps":  {again(plain, as, even...), 4},
		"sent again with its number":              {again(stamped, restamped, uneven...), 4},
		"sent again with its number, regularly":   {again(stamped, restamped, even...), 4},
		"sent again by a host without numbers":    {again(noIDs, restamped, even...), 4},
		"sent again by a host with one number":    {reused(plain), 4},
		"one number for all, but with timestamps": {reused(stamped), 4},
	} {
		t.Run(name, func(t *testing.T) {
			slices.SortStableFunc(x.segs, func(a, b reassembly.Segment) int { return int(a.At>>20 - b.At>>20) })
			rep, _ := analyse(t, taps.Options{}, file{"m.pcap", pathsim.Pcap(x.segs)})
			if rep.Totals.Rexmits != x.resent || rep.Totals.Flows != 3 || len(rep.Taps) > 0 {
				t.Errorf("sent again %d, want %d; %d connections, taps %v", rep.Totals.Rexmits, x.resent, rep.Totals.Flows, rep.Taps)
			}
			if said := slices.ContainsFunc(rep.Notes, func(n result.Note) bool { return n.Name == "same-capture" }); said != (x.resent == 0) {
				t.Errorf("notes %v", rep.Notes)
			}
		})
	}
}
