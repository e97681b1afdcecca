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

// TestLimit compares fewer segments than the captures have: what comes later is
// undecided, and none of it is lost, doubled, injected or sent again.
func TestLimit(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 3, OneWay: 12 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.02, Connections: 1, Exchanges: 40, Offset: 7 * time.Second})
	other := shifted(pathsim.Run(pathsim.Config{Seed: 4, V6: true, Exchanges: 5}).Taps[0], 7*time.Second) // at the server only
	most := max(len(r.Taps[0]), len(r.Taps[1]))
	busy := slices.Concat(r.Taps[1], other)
	slices.SortStableFunc(busy, func(a, b reassembly.Segment) int { return int(a.At - b.At) })
	lost := [2]map[uint32]bool{{}, {}}
	for _, x := range r.Log {
		if x.Lost && x.Near >= 0 && !x.FromServer {
			lost[0][uint32(x.Near+1)] = true
		} else if x.Lost && x.Near >= 0 {
			lost[1][uint32(x.Near+1)] = true
		}
	}
	sent := [2]uint64{}
	for _, x := range r.Log {
		if x.FromServer {
			sent[1]++
		} else {
			sent[0]++
		}
	}
	for _, x := range []struct {
		name   string
		limit  int
		server []reassembly.Segment
		whole  bool
	}{
		{"all", most, r.Taps[1], true},
		{"all but one", most - 1, r.Taps[1], false},
		{"half", most / 2, r.Taps[1], false},
		{"a few", 40, r.Taps[1], false},
		{"a busy server", most * 3 / 4, busy, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			rep, _ := analyse(t, taps.Options{Limit: x.limit}, file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(x.server)})
			if len(rep.Taps) != 2 || len(rep.Flows[0].Between) != 1 {
				t.Fatalf("taps %+v, %d connections", rep.Taps, len(rep.Flows))
			}
			if found := accusations(rep); len(found) > 0 {
				t.Error(found)
			}
			b := &rep.Flows[0].Between[0]
			var found int
			var undecided uint64
			for side := range b.Way {
				w := &b.Way[side]
				if sum := w.Arrived + w.Partial + uint64(len(w.Lost)) + w.Missed + w.Undecided + w.Uncovered; sum != w.Sent || w.Sent != sent[side] {
					t.Errorf("side %d: sent %d, but all fates are %d: %+v", side, sent[side], sum, w)
				}
				found += len(w.Lost)
				undecided += w.Undecided
				for _, l := range w.Lost {
					if x.server[0].At != r.Taps[1][0].At {
						continue // numbered otherwise
					}
					if !lost[l.Tap][l.Frame] && len(l.OneOf) == 0 {
						t.Errorf("tap %d frame %d was not lost", l.Tap, l.Frame)
					}
				}
				if len(w.Duplicated) > 0 {
					t.Errorf("duplicated %v", w.Duplicated)
				}
			}
			if len(b.Injected) > 0 {
				t.Errorf("injected: %+v", b.Injected)
			}
			said := slices.ContainsFunc(rep.Notes, func(n result.Note) bool {
				return n.Name == "taps" && len(n.Message) > 0 && n.Message[len(n.Message)-10:] == "undecided."
			})
			if x.whole && (found != len(lost[0])+len(lost[1]) || undecided > 4 || said || b.Reason != "") {
				t.Errorf("%d of %d lost, %d undecided, reason %q, noted: %t", found, len(lost[0])+len(lost[1]), undecided, b.Reason, said)
			}
			if !x.whole && (undecided == 0 && x.limit < most-1 || // the very last is not covered anyway
				!said || b.Reason == "") {
				t.Errorf("%d undecided, reason %q, noted: %t", undecided, b.Reason, said)
			}
			if x.limit == 40 && rep.Flows[0].Between[0].Way[1].Undecided < sent[1]/2 {
				t.Errorf("%d undecided of %d", rep.Flows[0].Between[0].Way[1].Undecided, sent[1])
			}
		})
	}
}

// TestLimit_copies: what is too large to be compared is still not sent twice.
func TestLimit_copies(t *testing.T) {
	c, six := healthy(pathsim.Config{}), healthy(pathsim.Config{V6: true})
	for name, files := range map[string][]file{
		"the same twice":      {{"a.pcap", pathsim.Pcap(c.Taps[0])}, {"b.pcap", pathsim.Pcap(c.Taps[0])}},
		"the same IPv6 twice": {{"a.pcap", pathsim.Pcap(six.Taps[0])}, {"b.pcap", pathsim.Pcap(six.Taps[0])}},
		"an hour later":       {{"a.pcap", pathsim.Pcap(c.Taps[0])}, {"b.pcap", pathsim.Pcap(shifted(c.Taps[0], time.Hour))}},
		"IPv6 an hour later":  {{"a.pcap", pathsim.Pcap(six.Taps[0])}, {"b.pcap", pathsim.Pcap(shifted(six.Taps[0], time.Hour))}},
		"two places":          {{"a.pcap", pathsim.Pcap(c.Taps[0])}, {"b.pcap", pathsim.Pcap(c.Taps[1])}},
		"merged":              {{"m.pcapng", pathsim.Merged(false, c.Taps[0], c.Taps[1])}},
		"merged IPv6":         {{"m.pcapng", pathsim.Merged(false, six.Taps[0], six.Taps[1])}},
	} {
		t.Run(name, func(t *testing.T) {
			rep, _ := analyse(t, taps.Options{Limit: 60}, files...)
			if found := accusations(rep); len(found) > 0 {
				t.Error(found)
			}
			if rep.Totals.Flows != 3 {
				t.Errorf("%d connections", rep.Totals.Flows)
			}
		})
	}
}
