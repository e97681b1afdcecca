package wireshark

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A string of Lua stays one string, whatever is in it, and ASCII.
func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		``:                       `""`,
		`a "b" \n`:               `"a \"b\" \\n"`,
		"a\nb\r\x00c\x7f":        `"a\010b\013\000c\127"`,
		"\x01" + "1":             `"\0011"`,
		"é]]":                    `"\195\169]]"`,
		"--[[ " + `" .. error()`: `"--[[ \" .. error()"`,
	} {
		if got := quote(text); got != want {
			t.Errorf("quote(%q) = %s, want %s", text, got, want)
		}
	}
}

// sampleReport is one of two connections of ten segments each, of which the second has a
// finding at its last frame but one.
func sampleReport() *result.Report {
	evidence := detectors.Evidence{Role: "FIN", Seg: reassembly.Segment{Frame: 19}}
	r := &result.Report{Captures: []result.Capture{{File: "x.pcap"}}, Flows: []result.Flow{
		{Conn: 1, ID: 1, Packets: [2]uint64{5, 5}}, {Conn: 11, ID: 2, Packets: [2]uint64{5, 5}},
	}}
	r.Findings = []result.Finding{{Flow: &r.Flows[1], Finding: &detectors.Finding{Detector: "x", Outcome: "y", Message: "z", Evidence: []detectors.Evidence{evidence}}}}
	return r
}

// verdicts has the states of both connections, the first in SYN_SENT.
func verdicts(most uint64) *Verdicts {
	r := sampleReport()
	v := New(r)
	v.MaxStates = most
	for frame := uint32(1); frame <= 20; frame++ {
		s := result.Step{Conn: 1, Seg: reassembly.Segment{Frame: frame}, State: [2]fsm.State{fsm.SynSent, fsm.Listen}}
		if frame > 10 {
			s.Conn, s.State, s.Bounded = 11, [2]fsm.State{fsm.Established, fsm.TimeWait}, [2]bool{true, false}
		}
		v.Step(s)
	}
	v.Arrange()
	return v
}

// If there is not room for all states, those of connections with findings come first,
// and evidence always has a place.
func TestVerdicts_bounded(t *testing.T) {
	for _, c := range []struct {
		most    uint64
		frames  int // with states
		leftOut uint64
		first   uint32
	}{
		{0, 20, 0, 1}, {20, 20, 0, 1}, {19, 19, 1, 1}, {12, 12, 8, 1}, {10, 10, 10, 11}, {5, 6, 14, 11}, {1, 2, 18, 11},
	} {
		v := verdicts(c.most)
		frames := v.files[0].frames
		if len(frames) != c.frames || v.LeftOut != c.leftOut || frames[0].number != c.first {
			t.Errorf("at most %d: %d frames from %d on, %d left out; want %d from %d on, %d left out", c.most, len(frames), frames[0].number, v.LeftOut, c.frames, c.first, c.leftOut)
		}
		var script bytes.Buffer
		if err := v.script(&script); err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(script.String(), "segments are shown without states"); says != (c.leftOut > 0) {
			t.Errorf("at most %d: the script says that something is left out: %v", c.most, says)
		}
		if !strings.Contains(script.String(), "\n19 00000000 eK\t1 FIN\\\n") {
			t.Errorf("at most %d: no finding at frame 19", c.most)
		}
	}
}

// A file that has changed since it was analysed is an error, and nothing is written.
func TestRecognise_changed(t *testing.T) {
	trace, errs := capture.OpenTrace([]string{"../../samples/unretransmitted-fin.pcapng"}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	v := verdicts(0) // of 20 frames
	if err := v.Recognise(context.Background(), trace); err == nil || !strings.Contains(err.Error(), "x.pcap has changed since it was analysed: frame 8 is missing") {
		t.Errorf("error %v", err)
	}
}

// The first frame and the last are compared, too, if they show nothing.
func TestRecognise_ends(t *testing.T) {
	trace, errs := capture.OpenTrace([]string{"../../samples/unretransmitted-fin.pcapng"}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	v := New(&result.Report{Captures: []result.Capture{{File: "x.pcap"}}})
	v.Step(result.Step{Seg: reassembly.Segment{Frame: 3}})
	v.Arrange()
	if err := v.Recognise(context.Background(), trace); err != nil {
		t.Fatal(err)
	}
	var numbers []uint32
	for _, s := range v.files[0].frames {
		numbers = append(numbers, s.number)
		if s.hash == 0 {
			t.Errorf("frame %d has no hash", s.number)
		}
	}
	if want := []uint32{1, 3, 7}; !slices.Equal(numbers, want) || v.files[0].total != 7 {
		t.Errorf("frames %v of %d are compared, want %v of 7", numbers, v.files[0].total, want)
	}
}

// The script replaces no input that came to its place during the run, nor is there half
// of it.
func TestWrite_guard(t *testing.T) {
	for i := range Files("") {
		dir := t.TempDir()
		if err := MakeDir(dir); err != nil {
			t.Fatal(err)
		}
		name := Files(dir)[i]
		if err := os.WriteFile(name, []byte("input"), 0o600); err != nil {
			t.Fatal(err)
		}
		var g output.Guard
		g.Protect("the input x", name)
		if err := verdicts(0).Write(dir, &g); err == nil || !strings.Contains(err.Error(), name+" would overwrite the input x") {
			t.Errorf("error %v, want one that names %s", err, name)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != "input" {
			t.Errorf("%s is %q (%v)", name, got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, Script)); i != 0 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the script is there without its profile")
		}
	}
}

// The digest of a file depends on its size and its content.
func TestIdentityOf(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 40_000) // more than all blocks
	seen := map[hash]int{}
	for i, change := range []func([]byte) []byte{
		func(b []byte) []byte { return b },
		func(b []byte) []byte { b[0]++; return b },
		func(b []byte) []byte { b[len(b)-1]++; return b },
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { return b[:1000] },
		func(b []byte) []byte { b[999]++; return b[:1000] },
		func(b []byte) []byte { return nil },
	} {
		id, err := IdentityOf(bytes.NewReader(change(bytes.Clone(content))))
		if err != nil || len(id.SHA256) != 64 {
			t.Fatal(id, err)
		}
		if other, is := seen[id.digest]; is {
			t.Errorf("changes %d and %d have the same digest", i, other)
		}
		seen[id.digest] = i
	}
}
