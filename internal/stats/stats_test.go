package stats

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const hour = int64(3600e9)

// Frames within an hour of each other leave no gap; times that go back count
// from the latest.
func TestFrame(t *testing.T) {
	var s Trace
	for _, at := range []int64{10 * hour, 9*hour + 1, 11 * hour, 12*hour + 1, 12 * hour} {
		s.Frame(at, at == 11*hour)
	}
	if s.Packets != 5 || s.First != 9*hour+1 || s.Last != 12*hour+1 {
		t.Errorf("%d packets from %d to %d", s.Packets, s.First, s.Last)
	}
	if want := []Gap{{11 * hour, 12*hour + 1}}; !slices.Equal(s.Gaps, want) {
		t.Errorf("gaps %v, want %v", s.Gaps, want)
	}
	for _, c := range []struct {
		first, last int64
		want        bool
	}{{9 * hour, 11*hour - 1, false}, {9 * hour, 11 * hour, true}, {11 * hour, 12 * hour, true}, {11*hour + 1, 12 * hour, false}} {
		if got := s.ClockStepped(c.first, c.last); got != c.want {
			t.Errorf("a clock stepped between %d and %d: %t", c.first, c.last, got)
		}
	}
	for i := range int64(2 * MaxClockSteps) {
		s.Frame(13*hour+i, true)
	}
	if len(s.ClockSteps) != MaxClockSteps {
		t.Errorf("%d clock steps are kept", len(s.ClockSteps))
	}
}

// Of a connection nothing is known after a gap or a cut that follows it.
func TestKnownUntil(t *testing.T) {
	s := Trace{Gaps: []Gap{{10, 20}, {30, 40}}, Cuts: []int64{35}}
	for _, c := range [][2]int64{{5, 10}, {10, 10}, {11, 30}, {30, 30}, {31, 35}, {36, 50}} {
		if got := s.KnownUntil(c[0], 50, 0); got != c[1] {
			t.Errorf("last heard of at %d, known until %d, want %d", c[0], got, c[1])
		}
	}
	s.Last, s.End = 50, 60
	s.Until(39)
	if len(s.Gaps) != 1 || s.Last != 39 || s.End != 39 {
		t.Errorf("until 39, it is %+v", s)
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		sent, acked uint64
		want        bool
	}{
		{0, 0, false}, {4, 0, false}, {5, 0, true}, // the least that says so
		{7, 1, false}, {8, 1, true},
		{30, 1, true}, {30, 13, true}, {30, 14, true}, {30, 15, false}, {30, 30, false},
		{1e9, 0.74e9, true}, {1e9, 0.75e9, false}, {1e9, 1e9, false},
	} {
		x := Counts{FINs: [2]FINs{1: {c.sent, c.acked}}}
		if got := x.HidesACKs(1); got != c.want || x.HidesACKs(0) {
			t.Errorf("%d FINs sent, %d acknowledged, hidden: %t", c.sent, c.acked, got)
		}
	}
	for _, c := range []struct {
		sent, acked uint64
		want        bool
	}{{1, 0, false}, {2, 0, true}, {3, 1, false}} {
		x := Counts{FINs: [2]FINs{1: {c.sent, c.acked}}}
		if got := x.HidesLastACKs(); got != c.want {
			t.Errorf("%d second FINs sent, %d acknowledged, hidden: %t", c.sent, c.acked, got)
		}
	}
	for _, c := range []struct {
		lone, repeated, both uint64
		want                 bool
	}{{5, 5, 0, true}, {4, 0, 0, false}, {5, 6, 0, false}, {5, 0, 1, false}} {
		x := Counts{LoneSYNs: c.lone, RepeatedSYNs: c.repeated, BothSides: c.both, Flows: 20}
		if got := x.OnlySYNs(); got != c.want {
			t.Errorf("%d and %d are SYNs only, %d have both sides: %t", c.lone, c.repeated, c.both, got)
		}
	}
}

func TestCounts_OneWay(t *testing.T) {
	for _, c := range []struct {
		oneSided, both uint64
		want           bool
	}{{1, 0, true}, {0, 0, false}, {9, 1, false}} {
		if x := (Counts{OneSided: c.oneSided, BothSides: c.both, Flows: 20}); x.OneWay() != c.want {
			t.Errorf("%d one-sided, %d with both sides: %t", c.oneSided, c.both, !c.want)
		}
	}
}

// A trace leaves out pure ACKs if it has none in enough segments of enough connections.
func TestNoPureACKs(t *testing.T) {
	for _, c := range []struct {
		x    Counts
		want bool
	}{
		{Counts{Talks: 2, Talked: 30}, true}, {Counts{Talks: 1, Talked: 300}, false},
		{Counts{Talks: 2, Talked: 29}, false}, {Counts{Talks: 2, Talked: 30, PureACKs: 1}, false},
	} {
		if got := c.x.NoPureACKs(); got != c.want {
			t.Errorf("%+v: %t", c.x, got)
		}
	}
}

// A trace is a sample or lost most frames if too few FINs are acknowledged, and most connections miss
// data or have next to no segments, and often only one side.
func TestFragments(t *testing.T) {
	few := [2]FINs{{4, 2}, {2, 1}}
	sampled := Counts{Flows: 16, LoneSYNs: 6, Segments: 35, OneSided: 9, FINs: few}
	for name, c := range map[string]struct {
		x    Counts
		want bool
	}{
		"half miss data":                  {Counts{Flows: 10, Lossy: 5, Segments: 1000, FINs: few}, true},
		"less than half do":               {Counts{Flows: 11, Lossy: 5, Segments: 1000, FINs: few}, false},
		"too few do":                      {Counts{Flows: 4, Lossy: 4, Segments: 1000, FINs: few}, false},
		"most FINs are acknowledged":      {Counts{Flows: 10, Lossy: 10, FINs: [2]FINs{{4, 3}, {4, 3}}}, false},
		"too few FINs":                    {Counts{Flows: 10, Lossy: 10, FINs: [2]FINs{{4, 0}}}, false},
		"sampled":                         {sampled, true},
		"sampled, three segments of each": {Counts{Flows: 16, LoneSYNs: 6, Segments: 36, OneSided: 9, FINs: few}, false},
		"sampled, both sides of most":     {Counts{Flows: 16, LoneSYNs: 6, Segments: 35, OneSided: 8, FINs: few}, false},
		"sampled, too few":                {Counts{Flows: 15, LoneSYNs: 6, Segments: 32, OneSided: 9, FINs: few}, false},
	} {
		if got := c.x.Fragments(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestRawTime(t *testing.T) {
	s := ClockSteps{{Frame: 3, Offset: 100}, {Frame: 5, Offset: 0}}
	for frame, want := range []int64{500, 500, 500, 400, 400, 500, 500} {
		if got := s.RawTime(uint32(frame), 500); got != want {
			t.Errorf("frame %d was recorded at %d, want %d", frame, got, want)
		}
	}
}

// It does not matter in which order answers are added, as workers and shards do.
func TestAnswers_order(t *testing.T) {
	var hosts []Answers
	for i := range 7 {
		var a Answers
		a.Count(reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 100 + byte(i)%6}}, Answer{TTL: 64, MSS: 1460})
		hosts = append(hosts, a)
	}
	var forward, backward, apart, rest Answers
	for i := range hosts {
		forward.Add(&hosts[i])
		backward.Add(&hosts[len(hosts)-1-i])
		if i%2 == 0 {
			apart.Add(&hosts[i])
		} else {
			rest.Add(&hosts[i])
		}
	}
	apart.Add(&rest)
	if forward != backward || forward != apart || forward.Conns != 7 || !forward.OneDevice() {
		t.Errorf("%+v, %+v, %+v", forward, backward, apart)
	}
	var other Answers
	other.Count(reassembly.Endpoint{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 100}}, Answer{TTL: 63, MSS: 1460})
	if forward.Add(&other); forward.OneDevice() {
		t.Error("one device with two TTLs")
	}
}

// A trace has no times only if enough packets have the same.
func TestTrace_Untimed(t *testing.T) {
	for _, c := range []struct {
		trace   Trace
		untimed bool
	}{
		{Trace{Packets: 8, First: 5, Last: 5, End: 5}, true},
		{Trace{Packets: 7, First: 5, Last: 5, End: 5}, false},
		{Trace{Packets: 8, First: 5, Last: 6, End: 6}, false},
		{Trace{Packets: 8, First: 5, Last: 5, End: 6}, false}, // it states that it went on
	} {
		if got := c.trace.Untimed(); got != c.untimed {
			t.Errorf("%+v: %v", c.trace, got)
		}
	}
}
