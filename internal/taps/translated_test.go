package taps_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// merge is both captures as one interface.
func merge(a, b []reassembly.Segment) file { return file{"one.pcapng", pathsim.Merged(false, a, b)} }

// TestTranslated: both sides of a NAT in one capture, such as one of all interfaces of the router,
// are two taps. What is lost between them is the path's.
func TestTranslated(t *testing.T) {
	for _, c := range []pathsim.Config{
		{OneWay: 30 * time.Microsecond, NAT: true},
		{OneWay: 10 * time.Millisecond, NAT: true},
		{OneWay: 10 * time.Millisecond, NAT: true, NoID: true, NoStamp: true},
		{OneWay: 5 * time.Millisecond, NAT: true, Loss: 0.03, Connections: 4},
	} {
		c.Seed, c.Exchanges = 6, 6
		if c.Loss == 0 {
			c.Drop = func(s *pathsim.Sent) bool { return !s.FromServer && s.Seg.Flags&reassembly.FIN != 0 }
		}
		r := pathsim.Run(c)
		rep, _ := analyse(t, taps.Options{}, merge(r.Taps[0], r.Taps[1]))
		if len(rep.Taps) != 2 || int(rep.Totals.Flows) != max(1, c.Connections) {
			t.Errorf("%+v: %d taps, %d connections", c, len(rep.Taps), rep.Totals.Flows)
			continue
		}
		want, got := 0, 0
		for _, x := range r.Log {
			if x.Lost && x.Near >= 0 && x.Seg.At < r.Taps[1][len(r.Taps[1])-1].At {
				want++
			}
		}
		for i := range rep.Flows {
			for k := range rep.Flows[i].Between {
				for side := range 2 {
					w := &rep.Flows[i].Between[k].Way[side]
					got += len(w.Lost) + int(w.Undecided+w.Uncovered)
				}
				if !slices.Contains(rep.Flows[i].Between[k].Rewritten, "a.address") {
					t.Errorf("rewritten: %q", rep.Flows[i].Between[k].Rewritten)
				}
			}
		}
		if got < want || c.Loss > 0 && want == 0 {
			t.Errorf("%+v: %d lost, want %d", c, got, want)
		}
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.Verdict == detectors.Seen && f.Fault == detectors.FaultHost && f.Severity > detectors.Info {
				t.Errorf("%s/%s: %s", f.Detector, f.Outcome, f.Message)
			}
		}
		if c.Loss == 0 {
			if f := find(rep, "fin-unanswered"); f == nil || f.Fault == detectors.FaultHost {
				t.Errorf("%+v", f)
			}
		}
	}
}

// TestTranslated_lookAlikes: the same numbers from another client are no translation if that
// client comes later, or the server answers with its own.
func TestTranslated_lookAlikes(t *testing.T) {
	r := healthy(pathsim.Config{NoID: true, NoStamp: true})
	later, other := shifted(r.Taps[0], time.Hour), shifted(r.Taps[0], 3*time.Millisecond)
	client := r.Taps[0][0].Src.Addr
	for i := range later {
		later[i].At += int64(i) * int64(time.Millisecond)
	}
	for _, segs := range [][]reassembly.Segment{later, other} {
		for i := range segs {
			s := &segs[i]
			from := s.Src.Addr == client
			if from {
				s.Src.Addr[15] ^= 0x40
			} else {
				s.Dst.Addr[15] ^= 0x40
			}
			if &segs[0] == &other[0] { // the server's numbers
				if !from {
					s.Seq += 12345
				} else if s.Flags&reassembly.ACK != 0 {
					s.Ack += 12345
				}
			}
		}
	}
	for name, f := range map[string]file{"later": merge(r.Taps[0], later), "other numbers": merge(r.Taps[0], other)} {
		rep, _ := analyse(t, taps.Options{}, f)
		if len(rep.Taps) != 0 || len(accusations(rep)) > 0 {
			t.Errorf("%s: %d taps; %s", name, len(rep.Taps), strings.Join(accusations(rep), ", "))
		}
	}
}
