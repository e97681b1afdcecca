package metamorphic

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
)

// A capture rotated into two files anywhere, named in either order.
func TestSplitInTwo(t *testing.T) {
	forEach(t, 8, func(t *testing.T, c *conversation) {
		if c.goesBack() {
			return
		}
		for cut := 1; cut < len(c.frames); cut++ {
			if !full && cut > 1 && number(t.Name(), string(rune(cut)))%4 != 0 {
				continue
			}
			checkSplit(t, c, []int{0, cut, len(c.frames)}, cut%2 == 0, nil)
		}
	})
}

// A file for each frame, in any order. Frames with equal times stay together.
func TestSplitEverywhere(t *testing.T) {
	forEach(t, 8, func(t *testing.T, c *conversation) {
		if c.goesBack() || len(c.frames) > 200 {
			return
		}
		cuts := []int{0}
		for i := 1; i < len(c.frames); i++ {
			if c.frames[i].at != c.frames[i-1].at {
				cuts = append(cuts, i)
			}
		}
		cuts = append(cuts, len(c.frames))
		checkSplit(t, c, cuts, false, nil)
		checkSplit(t, c, cuts, true, nil)
		checkSplit(t, c, cuts, false, random(t))
	})
}

// checkSplit wants exactly the same for files that begin at the cuts.
func checkSplit(t *testing.T, c *conversation, cuts []int, reverse bool, shuffle *rand.Rand) {
	t.Helper()
	var files [][]byte
	var begins []int
	for i := 1; i < len(cuts); i++ {
		begins = append(begins, cuts[i-1])
		files = append(files, plain.pcap(c.frames[cuts[i-1]:cuts[i]]))
	}
	exchange := func(i, j int) {
		files[i], files[j] = files[j], files[i]
		begins[i], begins[j] = begins[j], begins[i]
	}
	switch n := len(files); {
	case shuffle != nil:
		shuffle.Shuffle(n, exchange)
	case reverse && c.ordered(cuts):
		for i := range n / 2 {
			exchange(i, n-1-i)
		}
	}
	rep := analyseFiles(t, files...)
	c.plain.same(t, summarise(rep, func(file uint16, frame uint32) uint32 { return uint32(begins[file]) + frame }))
}

// ordered reports whether time alone orders the files. If one begins when another
// ends, their names do.
func (c *conversation) ordered(cuts []int) bool {
	for _, cut := range cuts[1 : len(cuts)-1] {
		if c.frames[cut].at == c.frames[cut-1].at {
			return false
		}
	}
	return true
}

// The number of workers makes no difference.
func TestWorkers(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		file := plain.pcap(c.frames)
		want := reportOf(t, file, 1)
		for workers := 2; workers <= 8; workers++ {
			if got := reportOf(t, file, workers); !bytes.Equal(want, got) {
				t.Fatalf("%d workers report\n%s\nand one\n%s", workers, got, want)
			}
		}
	})
}

// The same with many connections: those of all scenarios in one capture.
func TestWorkers_manyConnections(t *testing.T) {
	all, err := conversations()
	if err != nil {
		t.Fatal(err)
	}
	var frames []frame
	r := random(t)
	for _, c := range all {
		begin := c.frames[0].at
		frames = append(frames, moved(readdressed(c.frames, r), func(at int64) int64 { return at - begin + 1e18 })...)
	}
	sortByTime(frames)
	file := plain.pcap(frames)
	want := reportOf(t, file, 1)
	for workers := 2; workers <= 8; workers++ {
		if !bytes.Equal(want, reportOf(t, file, workers)) {
			t.Errorf("%d workers report something else than one", workers)
		}
	}
}

// reportOf is the JSON report with all connections.
func reportOf(t *testing.T, file []byte, workers int) []byte {
	t.Helper()
	rep, err := run([]string{"-"}, file, engine.Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	docs := func(slug string) *detectors.Detector {
		for _, d := range catalogue.All {
			if d.Name == slug {
				return d
			}
		}
		return nil
	}
	if err := report.JSON(&b, rep, report.Options{Flows: true, Docs: docs}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
