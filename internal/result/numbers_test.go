package result

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestWhole(t *testing.T) {
	const turn = 1 << 32
	for _, c := range []struct {
		low  uint32
		near uint64
		want uint64
	}{
		{7, 0, 7}, {1<<32 - 1, 0, 1<<32 - 1}, {7, turn + 5, turn + 7}, {1<<32 - 1, turn + 5, turn - 1}, {5, turn - 1, turn + 5},
		{9, 3*turn + 1<<30, 3*turn + 9}, {1<<32 - 1, 10, 1<<32 - 1},
	} {
		if n := Whole(c.low, c.near); n != c.want {
			t.Errorf("Whole(%d, %d) = %d, want %d", c.low, c.near, n, c.want)
		}
	}
}

// Sentences get the numbers of their frames, and of nothing else.
func TestReport_WholeNumbers(t *testing.T) {
	r := Report{Captures: []Capture{{}, {Turns: stats.Turns{10, 20}}}}
	for file, want := range []string{
		"10.0.0.1:80 sent it 3 times (frame 4294967295), again in frames 1 to 3, 5 and 9, after 20 ms of 7 bytes.",
		"10.0.0.1:80 sent it 3 times (frame 4294967295), again in frames 4294967297 to 4294967299, 4294967301 and 4294967305, after 20 ms of 7 bytes.",
	} {
		f := Finding{Finding: &detectors.Finding{
			Message:  "10.0.0.1:80 sent it 3 times (frame 4294967295), again in frames 1 to 3, 5 and 9, after 20 ms of 7 bytes.",
			Evidence: []detectors.Evidence{{Seg: reassembly.Segment{File: uint16(file), Frame: 3, At: 25}}},
		}}
		for range 2 { // whole numbers stay
			r.WholeNumbers(&f)
			if f.Message != want {
				t.Errorf("file %d:\n%s\nwant\n%s", file, f.Message, want)
			}
		}
	}
}
