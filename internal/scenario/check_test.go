package scenario

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestCheck(t *testing.T) {
	const text = `0 client > server S 0:0(0) win 1 # want a:x[1 2] ` + "`gone`" + `; undecided b
+1 client > server S 0:0(0) win 1
`
	a := Found{Detector: "a", Outcome: "x", Frames: []uint32{1, 2}, Message: "it is gone"}
	b := Found{Detector: "b", Outcome: "y", Undecided: true, Frames: []uint32{1}}
	with := func(f Found, change func(*Found)) Found { change(&f); return f }
	for _, c := range []struct {
		name  string
		found []Found
		want  []string
	}{
		{"all", []Found{b, a}, nil},
		{"nothing", nil, []string{"x:1: frame 1: no a:x reported", "x:1: frame 1: no undecided b reported"}},
		{
			"outcome",
			[]Found{with(a, func(f *Found) { f.Outcome = "z" }), b},
			[]string{"x:1: frame 1: got a:z, want a:x"},
		},
		{
			"verdict",
			[]Found{a, with(b, func(f *Found) { f.Undecided = false })},
			[]string{"x:1: frame 1: got b:y, want undecided b"},
		},
		{
			"evidence",
			[]Found{with(a, func(f *Found) { f.Frames = []uint32{1} }), b},
			[]string{"x:1: frame 1: a has evidence [1], want [1 2]"},
		},
		{
			"message",
			[]Found{with(a, func(f *Found) { f.Message = "it is here" }), b},
			[]string{"x:1: frame 1: a says \"it is here\", want `gone`"},
		},
		{
			"surplus",
			[]Found{a, b, with(b, func(f *Found) { f.Message = "once more" }), {Detector: "c", Frames: []uint32{2}, Message: "m"}, {Detector: "d"}},
			[]string{
				"x:1: frame 1: unexpected undecided b:y[1]: once more",
				"x:2: frame 2: unexpected c[2]: m",
				"x: unexpected d[]: ",
			},
		},
		{
			"anchor",
			[]Found{with(a, func(f *Found) { f.Frames = []uint32{2, 1} }), b},
			[]string{"x:1: frame 1: no a:x reported", "x:2: frame 2: unexpected a:x[2 1]: it is gone"},
		},
	} {
		if got := parseOne(t, text).Check(c.found); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// Exact matches come first, so that several findings of one detector at one frame
// are not confused.
func TestCheck_severalAtOneFrame(t *testing.T) {
	tr := parseOne(t, "0 client > server S 0:0(0) win 1 # want a:x; a:y")
	found := []Found{{Detector: "a", Outcome: "y", Frames: []uint32{1}}, {Detector: "a", Outcome: "z", Frames: []uint32{1}}}
	if got, want := tr.Check(found), []string{"x:1: frame 1: got a:z, want a:x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheck_wrongExpression(t *testing.T) {
	got := parseOne(t, "0 client > server S 0:0(0) win 1 # want a `(`").Check([]Found{{Detector: "a", Frames: []uint32{1}}})
	if want := []string{"x:1: frame 1: want: error parsing regexp: missing closing ): `(`"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheckStates(t *testing.T) {
	tr := parseOne(t, "0 client > server S 0:0(0) win 1 | A~ B\n+1 other\n+1 end | A B")
	states := func(a, b string, bounded bool) func(reassembly.Endpoint) (string, bool) {
		return func(e reassembly.Endpoint) (string, bool) {
			if e.Port == 443 {
				return b, bounded
			}
			return a, bounded
		}
	}
	for _, c := range []struct {
		line    int
		a, b    string
		bounded bool
		want    []string
	}{
		{0, "A", "B", true, nil},
		{0, "A", "B", false, []string{"x:1: frame 1: client is certainly A, want A~ (bounded)"}},
		{0, "B", "A", true, []string{"x:1: frame 1: client is B, want A", "x:1: frame 1: server is A, want B"}},
		{1, "", "", false, nil},
		{2, "A", "C", false, []string{"x:3: server is C, want B"}},
	} {
		if got := tr.CheckStates(&tr.Lines[c.line], states(c.a, c.b, c.bounded)); !slices.Equal(got, c.want) {
			t.Errorf("line %d: got %q, want %q", c.line+1, got, c.want)
		}
	}
}
