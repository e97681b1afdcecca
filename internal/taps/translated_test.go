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

// TestTranslated: both sides of a NAT in one capture, such as one of all interfaces of the router, or
// of what rewrites initial sequence numbers, are two taps. What is lost between them is the path's.
func TestTranslated(t *testing.T) {
	for _, c := range []pathsim.Config{
		{OneWay: 30 * time.Microsecond, NAT: true},
		{OneWay: 10 * time.Millisecond, NAT: true},
		{OneWay: 10 * time.Millisecond, NAT: true, NoID: true, NoStamp: true},
		{OneWay: 5 * time.Millisecond, NAT: true, Loss: 0.03, Connections: 4},
		{OneWay: 30 * time.Microsecond, Shift: 123456789},
		{OneWay: 10 * time.Millisecond, Shift: 1 << 31},
		{OneWay: 10 * time.Millisecond, Shift: 123456789, NoID: true, NoStamp: true},
		{OneWay: 10 * time.Millisecond, Shift: 123456789, V6: true, Loss: 0.03, Connections: 4},
		{OneWay: 10 * time.Millisecond, Shift: 123456789, NAT: true},
		{OneWay: 5 * time.Millisecond, Shift: 1 << 31, NAT: true, Loss: 0.03, Connections: 4},
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
				rewritten := rep.Flows[i].Between[k].Rewritten
				if slices.Contains(rewritten, "a.address") != c.NAT || slices.ContainsFunc(rewritten, func(s string) bool { return strings.HasSuffix(s, "isn") }) != (c.Shift != 0) {
					t.Errorf("%+v: rewritten: %q", c, rewritten)
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

// renumbered are segments a little later, whose initial sequence numbers are others, as are
// the client's port and address by so much.
func renumbered(segs []reassembly.Segment, port uint16, address byte) []reassembly.Segment {
	client := segs[0].Src.Addr
	moved := map[[16]byte]reassembly.Seq{client: 99_000_000, segs[0].Dst.Addr: 77_000_000}
	for i := range segs {
		s := &segs[i]
		s.At += int64(i%7) * int64(100*time.Microsecond)
		s.Seq += moved[s.Src.Addr]
		if s.Flags&reassembly.ACK != 0 {
			s.Ack += moved[s.Dst.Addr]
		}
		if s.Src.Addr == client {
			s.Src.Port, s.Src.Addr[15] = s.Src.Port+port, s.Src.Addr[15]+address
		} else {
			s.Dst.Port, s.Dst.Addr[15] = s.Dst.Port+port, s.Dst.Addr[15]+address
		}
	}
	return segs
}

// TestTranslated_lookAlikes: the same numbers from another client are no translation if that
// client comes later, or the server answers with its own; and the same exchange with other
// initial numbers is no rewriting if it comes later, in the same order everywhere, from another
// port of the client, or from another client without anything that says so.
func TestTranslated_lookAlikes(t *testing.T) {
	r := healthy(pathsim.Config{NoID: true, NoStamp: true})
	later, other := shifted(r.Taps[0], time.Hour), shifted(r.Taps[0], 3*time.Millisecond)
	one := pathsim.Run(pathsim.Config{Seed: 1, OneWay: 12 * time.Millisecond, Exchanges: 6, NoID: true, NoStamp: true}).Taps[0]
	stamped := pathsim.Run(pathsim.Config{Seed: 1, OneWay: 12 * time.Millisecond, Exchanges: 6, NoID: true}).Taps[0]
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
	for name, f := range map[string]file{
		"later":         merge(r.Taps[0], later),
		"other numbers": merge(r.Taps[0], other),
		"ports again":   merge(one, renumbered(shifted(one, time.Hour), 0, 0)),
		"side by side":  merge(one, renumbered(shifted(one, 3*time.Millisecond), 0, 0)),
		"two clients":   merge(one, renumbered(shifted(one, 3*time.Millisecond), 0, 9)),
		"a second one":  merge(stamped, renumbered(shifted(stamped, 3*time.Millisecond), 100, 0)),
	} {
		rep, _ := analyse(t, taps.Options{}, f)
		if len(rep.Taps) != 0 || len(accusations(rep)) > 0 {
			t.Errorf("%s: %d taps; %s", name, len(rep.Taps), strings.Join(accusations(rep), ", "))
		}
	}
}
