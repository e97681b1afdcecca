package taps_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func both(t *testing.T, r *pathsim.Result) *result.Report {
	t.Helper()
	rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(r.Taps[1])})
	if len(rep.Taps) != 2 {
		t.Fatalf("%d taps", len(rep.Taps))
	}
	return rep
}

// TestBetween_anonymized: captures of both sides of a NAT, each anonymized by itself with the
// same key, are taps as they were.
func TestBetween_anonymized(t *testing.T) {
	for _, c := range []pathsim.Config{
		{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 3, Exchanges: 8, Loss: 0.03, NAT: true},
		{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 3, Exchanges: 8, Loss: 0.03, NAT: true, NoID: true, NoStamp: true},
		{Seed: 3, OneWay: 5 * time.Millisecond, Connections: 3, Exchanges: 8, Loss: 0.03, NAT: true, Shift: 4711},
	} {
		r := pathsim.Run(c)
		for tap := range r.Taps {
			m := anonymize.New(anonymize.Key{1, 2, 3})
			for i := range r.Taps[tap] {
				m.Segment(&r.Taps[tap][i])
			}
		}
		compareLost(t, &c, r, both(t, r))
	}
}

func find(rep *result.Report, name string) *result.Finding {
	for i := range rep.Findings {
		if rep.Findings[i].Detector == name {
			return &rep.Findings[i]
		}
	}
	return nil
}

// TestBetween_duplicated: what the path doubles is no retransmission of the host.
func TestBetween_duplicated(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 2, OneWay: 10 * time.Millisecond, Twice: 0.05, Exchanges: 20})
	rep := both(t, r)
	want := 0
	for _, x := range r.Log {
		if x.Second >= 0 {
			want++
		}
	}
	got := 0
	for side := range 2 {
		got += len(rep.Flows[0].Between[0].Way[side].Duplicated)
	}
	if got != want || want == 0 {
		t.Errorf("%d duplicates, want %d", got, want)
	}
	compareLost(t, &pathsim.Config{}, r, rep)
}

// TestBetween_copied: what the near tap captured again on another link is lost once. Another IP ID
// is another packet, and the same look shows no other link.
func TestBetween_copied(t *testing.T) {
	for _, c := range []struct {
		ttl  uint8
		id   uint16
		more int
	}{{1, 0, 0}, {1, 7, 1}, {0, 0, 1}} {
		dropped := false
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 20, Drop: func(s *pathsim.Sent) bool {
			drop := !dropped && !s.FromServer && s.Seg.Len > 0 && s.N > 20
			dropped = dropped || drop
			return drop
		}})
		lost := func() (n int) {
			for side := range 2 {
				n += len(both(t, r).Flows[0].Between[0].Way[side].Lost)
			}
			return n
		}
		want := lost()
		near := &r.Taps[0]
		i := r.Log[slices.IndexFunc(r.Log, func(x *pathsim.Sent) bool { return x.Lost })].Near
		again := (*near)[i]
		again.At += int64(170 * time.Microsecond)
		again.TTL -= c.ttl
		again.IPID += c.id
		*near = slices.Insert(*near, i+1, again)
		if got := lost(); got != want+c.more || want == 0 {
			t.Errorf("%+v: %d lost, want %d", c, got, want+c.more)
		}
	}
}

// TestBetween_late: what others overtook is late once, and not lost.
func TestBetween_late(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 2, OneWay: 10 * time.Millisecond, Late: 0.02, Exchanges: 30})
	rep := both(t, r)
	var got int
	for side := range 2 {
		got += len(rep.Flows[0].Between[0].Way[side].Reordered)
	}
	want := 0
	for _, server := range []bool{false, true} {
		latest := -1
		byFar := map[int]int{}
		var fars []int
		for _, x := range r.Log {
			if x.FromServer == server && x.Far >= 0 {
				byFar[x.Far] = x.Near
				fars = append(fars, x.Far)
			}
		}
		slices.Sort(fars)
		for _, f := range fars {
			if byFar[f] < latest {
				want++
			}
			latest = max(latest, byFar[f])
		}
	}
	if got != want || want == 0 {
		t.Errorf("%d late, want %d", got, want)
	}
}

// TestBetween_missed: frames that one capture lacks are not blamed on the path.
func TestBetween_missed(t *testing.T) {
	for _, plain := range []bool{false, true} {
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, MissNear: 0.02, Exchanges: 30, NoID: plain, NoStamp: plain})
		rep := both(t, r)
		b := &rep.Flows[0].Between[0]
		for side := range b.Way {
			w := &b.Way[side]
			if len(w.Lost) > 0 || w.Missed+w.Undecided == 0 {
				t.Errorf("side %d: %d lost, %d missed, %d undecided", side, len(w.Lost), w.Missed, w.Undecided)
			}
		}
		if len(b.Injected) > 0 || find(rep, "lost-between") != nil || find(rep, "injected-between") != nil {
			t.Errorf("injected %v, findings %v", b.Injected, rep.Findings)
		}
	}
}

// TestBetween_answered: what the far host acknowledges without that the far tap saw it was missed
// there, be it the SYN. A tap of which nothing else in that direction but ACKs seems to come
// shows nothing of what was lost.
func TestBetween_answered(t *testing.T) {
	const second = 40001 // port of the second connection, all of which the far tap covers
	for _, all := range []bool{false, true} {
		sent := 0
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Connections: 2, Exchanges: 20, Drop: func(s *pathsim.Sent) bool {
			if s.Seg.Src.Port == second && s.Seg.Len > 0 {
				sent++
			}
			return all && s.Seg.Src.Port == second && sent > 5
		}})
		r.Taps[1] = slices.DeleteFunc(r.Taps[1], func(s reassembly.Segment) bool {
			return s.Src.Port == second && (s.Flags&reassembly.SYN != 0 || all && s.Len > 0)
		})
		w := &both(t, r).Flows[1].Between[0].Way[reassembly.A]
		if len(w.Lost) > 0 || w.Missed == 0 {
			t.Errorf("the far tap lacks the SYN (and all data: %t): %d lost, %d missed, %d sent", all, len(w.Lost), w.Missed, w.Sent)
		}
	}
}

// TestBetween_injected: a RST that only the tap behind saw and that does not fit its
// host is injected. One that fits was missed.
func TestBetween_injected(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 30, Think: 100 * time.Millisecond, Inject: time.Second})
	rep := both(t, r)
	b := &rep.Flows[0].Between[0]
	if len(b.Injected) != 1 || int(b.Injected[0].Frame) != r.Injected+1 {
		t.Fatalf("injected %+v, want frame %d", b.Injected, r.Injected+1)
	}
	f := find(rep, "injected-between")
	if f == nil || f.Outcome != "reset" || f.Severity != detectors.Critical || f.Fault != detectors.FaultPath || f.Path == [2]string{} {
		t.Fatalf("%+v", f)
	}
	fits := slices.Clone(r.Taps[0])
	for i := range fits {
		if i == r.Injected {
			before := fits[:i]
			for k := range before {
				if before[k].Src.Port == 443 {
					fits[i].TTL, fits[i].IPID = before[k].TTL, before[k].IPID+1
				}
			}
		}
	}
	rep, _ = analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(fits)}, file{"server.pcap", pathsim.Pcap(r.Taps[1])})
	if f := find(rep, "injected-between"); f != nil {
		t.Errorf("a RST that fits its host: %s", f.Message)
	}
}

// TestBetween_FIN: FINs that the path drops are named, and it is the path's fault.
func TestBetween_FIN(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 3,
		Drop: func(s *pathsim.Sent) bool { return !s.FromServer && s.Seg.Flags&reassembly.FIN != 0 }})
	after := r.Taps[1][len(r.Taps[1])-1] // the server's capture goes on: another connection
	other := pathsim.Run(pathsim.Config{Seed: 9, OneWay: 10 * time.Millisecond, Exchanges: 3})
	_ = after
	for tap := range r.Taps {
		r.Taps[tap] = append(r.Taps[tap], renamed(shifted(other.Taps[tap], 3*time.Minute))...)
	}
	rep := both(t, r)
	var lost int
	for _, f := range rep.Flows {
		for _, b := range f.Between {
			lost += len(b.Way[0].Lost)
		}
	}
	sent := 0
	for _, x := range r.Log {
		if x.Lost {
			sent++
		}
	}
	if lost != sent || sent < 2 {
		t.Errorf("%d FINs lost, want %d", lost, sent)
	}
	f := find(rep, "fin-unanswered")
	if f == nil || f.Fault != detectors.FaultPath || f.Path != [2]string{"client.pcap", "server.pcap"} || !strings.Contains(f.Message, "never reached server.pcap") {
		for _, f := range rep.Findings {
			t.Logf("%s/%s %v: %s", f.Detector, f.Outcome, f.Verdict, f.Message)
		}
		t.Errorf("%+v", f)
	}
}

// renamed are segments of other ports.
func renamed(segs []reassembly.Segment) []reassembly.Segment {
	for i := range segs {
		for _, e := range []*reassembly.Endpoint{&segs[i].Src, &segs[i].Dst} {
			if e.Port != 443 {
				e.Port += 500
			}
		}
	}
	return segs
}

// TestBetween_rewritten: what the path changes is named.
func TestBetween_rewritten(t *testing.T) {
	rep := both(t, pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 10, NAT: true, Shift: 77, MSS: 1300}))
	b := &rep.Flows[0].Between[0]
	if want := []string{"a.address", "a.port", "isn", "mss"}; !slices.Equal(b.Rewritten, want) {
		t.Errorf("%v, want %v", b.Rewritten, want)
	}
	if f := find(rep, "rewritten-between"); f == nil || f.Severity != detectors.Info {
		t.Errorf("%+v", f)
	}
	rep = both(t, pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 10, NAT: true}))
	if f := find(rep, "rewritten-between"); f != nil {
		t.Errorf("address translation alone: %+v", f)
	}
}

// TestBetween_untranslated: a RST that a NAT sends on as it came is not lost, but its peer does not know it.
func TestBetween_untranslated(t *testing.T) {
	for _, c := range []struct {
		far  string // what the far tap shows of the RST
		want []string
	}{
		{"as it left", []string{"rewritten-between"}},
		{"as it left, but a minute later", []string{"lost-between"}},
		{"another sequence number", []string{"lost-between"}},
		{"translated", nil},
		{"translated, and another is lost", nil}, // the NAT has forgotten the connection
		{"as it left, at the near tap, which captures what its device forwards", []string{"rewritten-between"}},
		{"nothing: it comes to the near tap twice", []string{"lost-between"}},
	} {
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, NAT: true})
		first, there := r.Log[0], &r.Taps[1][r.Log[0].Far]
		later := func(s *reassembly.Segment, at time.Duration, tap int) { // than the last of the tap
			all := r.Taps[tap]
			s.At, s.Frame = all[len(all)-1].At+int64(at), uint32(len(all)+1)
			r.Taps[tap] = append(all, *s)
		}
		rst := first.Seg
		rst.Src, rst.Dst = r.Taps[0][first.Near].Src, r.Taps[0][first.Near].Dst
		rst.Seq, rst.Flags, rst.IPID, rst.Opts = rst.Seq+1, reassembly.RST, 60_000, reassembly.Options{}
		later(&rst, time.Second, 0)
		after, tap := time.Second, 1
		switch c.far {
		case "translated", "translated, and another is lost":
			rst.Src = there.Src
		case "another sequence number":
			rst.Seq++
		case "as it left, but a minute later":
			after = time.Minute
		case "as it left, at the near tap, which captures what its device forwards":
			rst.TTL--
			fallthrough
		case "nothing: it comes to the near tap twice":
			after, tap = time.Millisecond, 0
		}
		later(&rst, after, tap)
		if c.far == "translated, and another is lost" {
			again := rst
			again.Src, again.IPID = r.Taps[0][first.Near].Src, 60_002
			later(&again, time.Second, 0)
		}
		for tap := range r.Taps { // both go on
			rst.Src.Port, rst.IPID = 9, 60_001
			later(&rst, 2*time.Minute, tap)
		}
		rep := both(t, r)
		var got []string
		for i := range rep.Findings {
			if f := &rep.Findings[i]; strings.HasSuffix(f.Detector, "-between") {
				got = append(got, f.Detector)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.far, got, c.want)
		}
		if f := find(rep, "rewritten-between"); f != nil && (f.Outcome != "untranslated" || f.Ladder == nil || f.Ladder.Rows[0].Frame[1].Frame != uint32(len(r.Taps[tap])-1)) {
			t.Errorf("%s: %+v", c.far, f)
		}
	}
}

// TestBetween_rewritten_options: an option that one tap lacks was added or removed, not rewritten.
func TestBetween_rewritten_options(t *testing.T) {
	for _, c := range []struct {
		near, far reassembly.OptionBits // taken out of all SYNs there
		mss       uint16
		want      string
	}{
		{0, 0, 1300, "the path rewrites the MSS."},
		{reassembly.HasMSS, 0, 0, "the path adds the MSS."},
		{0, reassembly.HasMSS | reassembly.HasSACKPermitted, 0, "the path removes the MSS, SACK."},
		{reassembly.HasSACKPermitted, 0, 1300, "the path rewrites the MSS, adds SACK."},
	} {
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 10, MSS: c.mss})
		for tap, out := range [2]reassembly.OptionBits{c.near, c.far} {
			for i := range r.Taps[tap] {
				if s := &r.Taps[tap][i]; s.Flags == reassembly.SYN {
					s.Opts.Has &^= out
					if out&reassembly.HasMSS != 0 {
						s.Opts.MSS = 0
					}
				}
			}
		}
		if f := find(both(t, r), "rewritten-between"); f == nil || !strings.HasSuffix(f.Message, c.want) {
			t.Errorf("%+v: %+v", c, f)
		}
	}
}

// TestBetween_divided: segments that a network card divided have arrived; of a part of
// them, the rest is lost.
func TestBetween_divided(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 10})
	var large []reassembly.Segment // the server's tap before segmentation: three in one
	for i := 0; i < len(r.Taps[1]); i++ {
		s := r.Taps[1][i]
		if s.Src.Port == 443 && s.Len == 1400 {
			n := uint32(1)
			for n < 3 && i+int(n) < len(r.Taps[1]) {
				next := r.Taps[1][i+int(n)]
				if next.Src.Port != 443 || next.Len != 1400 || next.Seq != s.Seq+reassembly.Seq(n*1400) {
					break
				}
				n++
			}
			s.Len *= n
			i += int(n) - 1
		}
		large = append(large, s)
	}
	rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(large)})
	w := &rep.Flows[0].Between[0].Way[1]
	sent := 0
	for _, x := range r.Log {
		if x.FromServer {
			sent++
		}
	}
	if int(w.Sent) != sent || w.Arrived != w.Sent || len(large) == len(r.Taps[1]) {
		t.Errorf("%d sent: %+v", sent, w)
	}
}

// TestBetween_chain: with three taps, each segment is followed from one to the next.
func TestBetween_chain(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 20 * time.Millisecond, Exchanges: 20, Loss: 0.01})
	var mid []reassembly.Segment
	lostBefore, lost := 0, 0
	for n, x := range r.Log {
		if x.Near < 0 {
			continue
		}
		tap := 0
		if x.FromServer {
			tap = 1
		}
		s := r.Taps[tap][x.Near]
		if x.Lost {
			lost++
			if n%2 == 0 { // half of them before the middle
				lostBefore++
				continue
			}
		}
		s.At += int64(10 * time.Millisecond)
		s.TTL--
		s.Link += 5
		mid = append(mid, s)
	}
	slices.SortStableFunc(mid, func(a, b reassembly.Segment) int { return int(a.At - b.At) })
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}} {
		files := []file{{"client.pcap", pathsim.Pcap(r.Taps[0])}, {"middle.pcap", pathsim.Pcap(mid)}, {"server.pcap", pathsim.Pcap(r.Taps[1])}}
		rep, _ := analyse(t, taps.Options{}, files[order[0]], files[order[1]], files[order[2]])
		if len(rep.Taps) != 3 || rep.Totals.Flows != 1 || len(rep.Flows[0].Taps) != 3 || len(rep.Flows[0].Between) != 2 {
			t.Fatalf("%d taps, %d connections, %+v", len(rep.Taps), rep.Totals.Flows, rep.Flows[0].Between)
		}
		total := 0
		for i := range rep.Flows[0].Between {
			b := &rep.Flows[0].Between[i]
			names := []string{rep.Taps[b.Taps[0]].Name, rep.Taps[b.Taps[1]].Name}
			if !slices.Contains(names, "middle.pcap") || i == 0 && !slices.Contains(names, "client.pcap") {
				t.Errorf("not neighbours: %v", names)
			}
			for side := range b.Way {
				total += len(b.Way[side].Lost)
			}
		}
		if total != lost || lostBefore == 0 || lostBefore == lost {
			t.Errorf("%d lost, want %d", total, lost)
		}
	}
}

// TestBetween_acks: lost ACKs that later ones make good are nobody's retransmission. Only
// both captures together show them.
func TestBetween_acks(t *testing.T) {
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 20,
		Drop: func(s *pathsim.Sent) bool {
			return !s.FromServer && s.Seg.Len == 0 && s.Seg.Flags == reassembly.ACK && s.N%9 == 0 && s.N > 20
		}})
	rep := both(t, r)
	f := find(rep, "lost-between")
	if f == nil || f.Outcome != "acks" || f.Severity != detectors.Info || f.Fault != detectors.FaultPath || f.Ladder == nil {
		t.Fatalf("%+v", f)
	}
	compareLost(t, &pathsim.Config{}, r, rep)
}
