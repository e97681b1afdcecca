package taps_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// besideTap are the segments as another tap has them, which sees each of them later by what after says.
func besideTap(segs []reassembly.Segment, after func(i int, s *reassembly.Segment) time.Duration) []reassembly.Segment {
	segs = slices.Clone(segs)
	for i := range segs {
		s := &segs[i]
		s.At += int64(after(i, s))
		s.Link ^= 77 // a cooked header
	}
	return segs
}

// TestNoPath: two sockets of one host, that of an interface and that of all of them, get the same packets: a
// second copy is none of a second place, so that nothing is said of a path between them, and all findings are those of one capture.
// Two places have a path between them, however short.
func TestNoPath(t *testing.T) {
	const us = time.Microsecond
	fromServer := func(s *reassembly.Segment) bool { return s.Src.Port == 443 }
	jitter := func(i int) time.Duration { return time.Duration(i*i%7) * us }
	for name, x := range map[string]struct {
		after func(i int, s *reassembly.Segment) time.Duration
		same  bool
	}{
		"either is later":                  {func(i int, s *reassembly.Segment) time.Duration { return jitter(i) - 3*us }, true},
		"either is later, by more":         {func(i int, s *reassembly.Segment) time.Duration { return 40 * (jitter(i) - 3*us) }, true},
		"one is later, by what is copied":  {func(i int, s *reassembly.Segment) time.Duration { return us + time.Duration(s.Len)/500*us }, true},
		"one is later, more by direction":  {func(i int, s *reassembly.Segment) time.Duration { return 4*us - 2*us*way(fromServer(s)) }, true},
		"a switch between":                 {func(i int, s *reassembly.Segment) time.Duration { return way(fromServer(s)) * (15*us + jitter(i)) }, false},
		"clocks apart by more than a path": {func(i int, s *reassembly.Segment) time.Duration { return 60*us + way(fromServer(s))*(15*us+jitter(i)) }, false},
		"clocks that differ by too much":   {func(i int, s *reassembly.Segment) time.Duration { return 3*time.Millisecond + jitter(i) }, false},
	} {
		silent := pathsim.Run(pathsim.Config{Seed: 3, OneWay: 10 * time.Millisecond, Exchanges: 8, Answer: 20_000, Drop: func(s *pathsim.Sent) bool { return s.FromServer && s.N > 40 }})
		for trace, one := range map[string][]reassembly.Segment{"healthy": healthy(pathsim.Config{}).Taps[0], "a peer that falls silent": silent.Taps[0]} {
			alone, _ := analyse(t, taps.Options{}, file{"one.pcap", pathsim.Pcap(one)})
			second := besideTap(one, x.after)
			for ways, files := range map[string][]file{
				"two interfaces": {{"m.pcapng", pathsim.Merged(true, one, second)}},
				"the other way":  {{"m.pcapng", pathsim.Merged(true, second, one)}},
				"two files":      {{"a.pcap", pathsim.Pcap(one)}, {"b.pcap", pathsim.Pcap(second)}},
			} {
				rep, _ := analyse(t, taps.Options{}, files...)
				if same := len(rep.Taps) == 1 && rep.Taps[0].Recognised == "same-capture"; same != x.same {
					t.Errorf("%s, %s, %s: the same capture %t, want %t: %+v", name, trace, ways, same, x.same, rep.Taps)
				}
				if got, want := outcomes(rep), outcomes(alone); x.same && !slices.Equal(got, want) {
					t.Errorf("%s, %s, %s: findings %q, of one capture %q", name, trace, ways, got, want)
				}
			}
		}
	}
}

// way is the sign of what a path adds to the times at its other end.
func way(back bool) time.Duration {
	if back {
		return -1
	}
	return 1
}

func outcomes(r *result.Report) (list []string) {
	for i := range r.Findings {
		f := &r.Findings[i]
		list = append(list, fmt.Sprint(f.Detector, "/", f.Outcome, " ", f.Verdict, " ", f.Fault))
	}
	return list
}
