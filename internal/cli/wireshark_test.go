package cli

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/wireshark"
)

var everySample = flag.Bool("wireshark.all", false, "compare all samples with what tshark shows, not only some")

// tshark runs tshark with the script in dir, and returns the lines that it prints.
func tshark(t *testing.T, dir string, args ...string) []string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("there is no tshark here")
	}
	cmd := exec.Command(program, append([]string{"-n", "-X", "lua_script:" + filepath.Join(dir, wireshark.Script)}, args...)...)
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+dir)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || strings.Contains(complaints.String(), "Lua") || strings.Contains(complaints.String(), "Warn") {
		t.Fatalf("tshark %s: %v\n%s", strings.Join(args, " "), err, &complaints)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// shows are the numbers of the frames that a filter lets through.
func shows(t *testing.T, dir, file, filter string, more ...string) []string {
	t.Helper()
	lines := tshark(t, dir, append([]string{"-r", file, "-Y", filter, "-T", "fields", "-e", "frame.number"}, more...)...)
	if slices.Equal(lines, []string{""}) {
		return nil
	}
	return lines
}

// A row is a frame as tshark shows it.
type row struct {
	number                        int
	time                          string
	client, server                string
	finding, outcome, level, role []string
}

// rows are the frames of a file.
func rows(t *testing.T, dir, file string) (list []row) {
	t.Helper()
	fields := []string{"frame.number", "frame.time_epoch", "tcptrace.state.client", "tcptrace.state.server", "tcptrace.finding", "tcptrace.outcome", "tcptrace.severity", "tcptrace.role"}
	args := []string{"-r", file, "-T", "fields", "-E", "aggregator=;"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	several := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ";")
	}
	for _, line := range tshark(t, dir, args...) {
		f := strings.Split(line, "\t")
		n, err := strconv.Atoi(f[0])
		if err != nil || len(f) != len(fields) {
			t.Fatalf("%s: %q", file, line)
		}
		list = append(list, row{n, f[1], f[2], f[3], several(f[4]), several(f[5]), several(f[6]), several(f[7])})
	}
	return list
}

// A wiresharkReport is what the tests need of a report.
type wiresharkReport struct {
	Flows []struct {
		ID              int
		A, B, Initiator string
		AtoB            int `json:"packets_a2b"`
		BtoA            int `json:"packets_b2a"`
	}
	Findings []struct {
		Detector, Outcome, Severity string
		Evidence                    []struct {
			Role, File string
			Frame      int
		}
	}
}

func reportOf(t *testing.T, args ...string) (r wiresharkReport) {
	t.Helper()
	if err := json.Unmarshal(printed(t, append([]string{"-q", "--format", "json", "--flows"}, args...)...), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWireshark_samples holds what tshark shows to the report, one script for all
// samples: at each frame the findings of which it is evidence, and the states of the
// timeline, which --states prints for this moment.
func TestWireshark_samples(t *testing.T) {
	files, err := filepath.Glob("../../samples/*.pcapng")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	dir := t.TempDir()
	report := reportOf(t, append([]string{"--each", "--wireshark", dir}, files...)...)
	for i, file := range files {
		if !*everySample && i%9 != 0 {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			list := rows(t, dir, file)
			compareFindings(t, file, list, &report)
			compareStates(t, file, list)
		})
	}
}

func compareFindings(t *testing.T, file string, list []row, report *wiresharkReport) {
	want, got := map[int][]string{}, map[int][]string{}
	for _, f := range report.Findings {
		for _, e := range f.Evidence {
			if e.File == filepath.Base(file) {
				want[e.Frame] = append(want[e.Frame], strings.Join([]string{f.Detector, f.Outcome, f.Severity, e.Role}, ", "))
			}
		}
	}
	for _, r := range list {
		for j := range r.finding {
			got[r.number] = append(got[r.number], strings.Join([]string{r.finding[j], r.outcome[j], r.level[j], r.role[j]}, ", "))
		}
		slices.Sort(got[r.number])
		slices.Sort(want[r.number])
	}
	for _, r := range list {
		if !slices.Equal(got[r.number], want[r.number]) {
			t.Errorf("frame %d: tshark shows %q, want %q", r.number, got[r.number], want[r.number])
		}
	}
}

// compareStates compares the states at all frames with those of the timelines, and at the
// last frame of each moment with those that --states prints of this connection.
func compareStates(t *testing.T, file string, list []row) {
	type frame struct {
		flow   int
		states [2]string // of client and server
	}
	timeline := map[int]frame{}
	opener := map[int]string{}
	for _, f := range reportOf(t, file).Flows {
		var one struct {
			Timeline []struct {
				Frame int
				A     string `json:"state_a"`
				B     string `json:"state_b"`
			}
		}
		if err := json.Unmarshal(printed(t, "-q", "--format", "json", "--flow", strconv.Itoa(f.ID), file), &one); err != nil {
			t.Fatal(err)
		}
		for _, s := range one.Timeline {
			timeline[s.Frame] = frame{f.ID, [2]string{s.A, s.B}}
			if f.Initiator == "b" {
				timeline[s.Frame] = frame{f.ID, [2]string{s.B, s.A}}
			}
		}
		if opener[f.ID] = f.A; f.Initiator == "b" {
			opener[f.ID] = f.B
		}
	}
	for i, r := range list {
		want := timeline[r.number]
		if got := [2]string{r.client, r.server}; got != want.states {
			t.Errorf("frame %d: tshark shows the states %q, the timeline has %q", r.number, got, want.states)
		}
		if want.flow == 0 || i+1 < len(list) && list[i+1].time == r.time {
			continue
		}
		for _, e := range endpointsAt(t, file, r.time) {
			side := 1
			if e.Local == opener[want.flow] {
				side = 0
			}
			if e.Flow == want.flow && e.State != want.states[side] {
				t.Errorf("frame %d: tshark shows the states %q, but --states has %+v", r.number, want.states, e)
			}
		}
	}
}

type endpointRow struct {
	Flow         int
	Local, State string
}

// endpointsAt are the sockets at a time, in seconds since 1970.
func endpointsAt(t *testing.T, file, at string) []endpointRow {
	t.Helper()
	secs, nsecs, _ := strings.Cut(at, ".")
	whole, err := strconv.ParseInt(secs, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var states struct{ Endpoints []endpointRow }
	moment := time.Unix(whole, 0).UTC().Format("2006-01-02T15:04:05.") + nsecs + "Z"
	if err := json.Unmarshal(printed(t, "-q", "--states", "--all", "--format", "json", "--at", moment, file), &states); err != nil {
		t.Fatal(err)
	}
	return states.Endpoints
}

// scriptOf writes the script about some files into a new directory.
func scriptOf(t *testing.T, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	printed(t, append([]string{"-q", "--wireshark", dir}, files...)...)
	return dir
}

const probeLoop = "../../samples/zero-window-probe-loop.pcapng"

// The profile has columns and colours, and a second pass shows the same.
func TestWireshark_profile(t *testing.T) {
	dir := scriptOf(t, probeLoop)
	evidence := []string{"8", "9", "10", "11", "12", "14", "15", "16", "17"}
	for _, filter := range []string{"tcptrace.finding", `tcptrace.finding == "zero-window-probe-loop" && tcptrace.outcome == "ghosted" && tcptrace.verdict == "seen" && tcptrace.severity == "critical" && tcptrace.flow == 1`} {
		if got := shows(t, dir, probeLoop, filter, "-2"); !slices.Equal(got, evidence) {
			t.Errorf("%s: frames %v, want %v", filter, got, evidence)
		}
	}
	lines := tshark(t, dir, "-C", "tcptrace", "-r", probeLoop, "-Y", "frame.number == 8")
	if want := "ESTABLISHED ESTABLISHED zero-window-probe-loop ghosted window closed"; !strings.Contains(lines[0], want) {
		t.Errorf("the columns are %q, want %q in them", lines[0], want)
	}
	lines = tshark(t, dir, "-C", "tcptrace", "--color", "-r", probeLoop, "-T", "fields", "-e", "frame.coloring_rule.name")
	if lines[6] != "Other" || lines[7] != "tcptrace critical" {
		t.Errorf("frames 7 and 8 have the colours %q and %q", lines[6], lines[7])
	}
}

// A file with a change shows nothing: tshark compares the file before the first frame
// where it can learn its name. Where it cannot, and where the analysis had a pipe to
// read, its only pass shows the frames before the change, and a second one nothing.
func TestWireshark_anotherFile(t *testing.T) {
	dir, piped, at := scriptOf(t, probeLoop), t.TempDir(), t.TempDir()
	input, err := os.Open(probeLoop)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	if Run(Env{Args: []string{"--wireshark", piped, "-"}, Stdin: input, Stdout: io.Discard, Stderr: os.Stderr, Detectors: catalogue.All}) != exitFound {
		t.Fatal("nothing was found in standard input")
	}
	evidence := []string{"8", "9", "10", "11", "12", "14", "15", "16", "17"}
	for _, c := range []struct {
		name   string
		change func(frames []capture.Frame) []capture.Frame
		before int // evidence frames before the change
	}{
		{"another format", func(f []capture.Frame) []capture.Frame { return f }, len(evidence)},
		{"time of the first frame", func(f []capture.Frame) []capture.Frame { f[0].At += 1000; return f }, 0},
		{"without the first frame", func(f []capture.Frame) []capture.Frame { return f[1:] }, 0},
		{"length of a frame before the evidence", func(f []capture.Frame) []capture.Frame { f[4].Len++; return f }, 0},
		{"a byte of an evidence frame", func(f []capture.Frame) []capture.Frame { f[9].Data[40]++; return f }, 2},
		{"a frame twice", func(f []capture.Frame) []capture.Frame { return slices.Insert(f, 10, f[10]) }, 4},
		{"without frame 12", func(f []capture.Frame) []capture.Frame { return slices.Delete(f, 11, 12) }, 4},
		{"a frame more at the end", func(f []capture.Frame) []capture.Frame { return append(f, f[0]) }, len(evidence)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(at, strings.ReplaceAll(c.name, " ", "-")+".pcap")
			if err := os.WriteFile(file, pcapOf(c.change(framesOf(t, probeLoop))), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := shows(t, dir, file, "tcptrace.finding"); runtime.GOOS == "linux" && got != nil {
				t.Errorf("the file shows findings at frames %v", got)
			}
			if got := shows(t, piped, file, "tcptrace.finding"); !slices.Equal(got, evidence[:c.before]) {
				t.Errorf("the first pass shows findings at frames %v, want %v", got, evidence[:c.before])
			}
			whole := c.name == "another format"
			if got := shows(t, piped, file, "tcptrace", "-2"); whole != (len(got) == 17) || !whole && got != nil {
				t.Errorf("the second pass shows something at frames %v", got)
			}
		})
	}
}

// Wireshark loads a file without protocol trees, and dissects a frame again when it is
// displayed. So does sharkd.
func TestWireshark_loaded(t *testing.T) {
	program, err := exec.LookPath("sharkd")
	if err != nil {
		t.Skip("there is no sharkd here")
	}
	home := t.TempDir()
	plugins := filepath.Join(home, ".local/lib/wireshark/plugins")
	if err := os.MkdirAll(plugins, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(scriptOf(t, probeLoop), wireshark.Script), filepath.Join(plugins, wireshark.Script)); err != nil {
		t.Fatal(err)
	}
	changed := framesOf(t, probeLoop)
	changed[16].Data[40]++
	another := filepath.Join(home, "another.pcap")
	if err := os.WriteFile(another, pcapOf(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	same, err := filepath.Abs(probeLoop)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{same: "[8 9 10 11 12 14 15 16 17]", another: "[]"} {
		cmd := exec.Command(program, "-")
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
		cmd.Stdin = strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"load","params":{"file":%q}}
{"jsonrpc":"2.0","id":2,"method":"frames","params":{"filter":"tcptrace.finding"}}
`, file))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		var answer struct{ Result []struct{ Num int } }
		if err := json.Unmarshal(lines[len(lines)-1], &answer); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		numbers := []int{}
		for _, r := range answer.Result {
			numbers = append(numbers, r.Num)
		}
		if got := fmt.Sprint(numbers); got != want {
			t.Errorf("%s: findings at frames %s, want %s", file, got, want)
		}
	}
}

// With several files, each has its own frames; a name may hold anything.
func TestWireshark_names(t *testing.T) {
	dir, at := t.TempDir(), t.TempDir()
	content, err := os.ReadFile(probeLoop)
	if err != nil {
		t.Fatal(err)
	}
	hostile := filepath.Join(at, "\"]]\nerror('x') --[[ \\\" \x1b[31m é.pcapng")
	if err := os.WriteFile(hostile, content, 0o600); err != nil {
		t.Skip(err)
	}
	const other = "../../samples/unretransmitted-fin.pcapng"
	printed(t, "-q", "--wireshark", dir, "--each", other, hostile)
	if got := shows(t, dir, hostile, "tcptrace.finding"); len(got) != 9 {
		t.Errorf("findings at frames %v, want nine", got)
	}
	if got := shows(t, dir, other, `tcptrace.finding == "unretransmitted-fin"`); len(got) == 0 {
		t.Error("the other file shows nothing")
	}
}

// framesOf are the frames of a file.
func framesOf(t *testing.T, file string) (list []capture.Frame) {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		copied := fr
		copied.Data = slices.Clone(fr.Data)
		list = append(list, copied)
	}
	return list
}

// pcapOf is a file with these frames: Ethernet, with nanoseconds.
func pcapOf(frames []capture.Frame) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b23c4d)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	for _, word := range []uint32{0, 0, 1 << 18, 1} {
		b = le.AppendUint32(b, word)
	}
	for _, fr := range frames {
		for _, word := range []int64{fr.At / 1e9, fr.At % 1e9, int64(len(fr.Data)), int64(fr.Len)} {
			b = le.AppendUint32(b, uint32(word))
		}
		b = append(b, fr.Data...)
	}
	return b
}

// The script and the profile never replace an input, also one that came to their
// place during the run.
func TestWireshark_guard(t *testing.T) {
	content, err := os.ReadFile(probeLoop)
	if err != nil {
		t.Fatal(err)
	}
	for i := range wireshark.Files("") {
		dir := t.TempDir()
		name := wireshark.Files(dir)[i]
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var complaints bytes.Buffer
		status := Run(Env{Args: []string{"--wireshark", dir, name}, Stdout: io.Discard, Stderr: &complaints, Detectors: catalogue.All})
		if want := "--wireshark " + dir + " would overwrite the input " + name; status != exitFailed || !strings.Contains(complaints.String(), want) {
			t.Errorf("status %d, %q, want %q", status, &complaints, want)
		}
		if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%s has changed (%v)", name, err)
		}
	}
}
