package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/samples"
)

// aSample is a capture with one finding, as pcapng.
func aSample(t testing.TB) []byte {
	packets, err := scenario.Pcapng([]byte(samples.Text("zero-window-probe-loop")))
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// commandLine runs tcptrace and returns its exit status and what it printed.
func commandLine(stdin io.Reader, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = Run(Env{Args: args, Stdin: stdin, Stdout: &out, Stderr: &errs, Detectors: catalogue.All})
	return status, out.String(), errs.String()
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Output that cannot be written makes the exit status 2.
func TestRun_fullDisk(t *testing.T) {
	for _, args := range []string{
		"--help", "--version", "--list", "--explain zero-window-probe-loop", "-", "--flows -", "--states -", "--flow 1 -", "--format scenario --flow 1 -",
		"--format json -", "--format ndjson -", "--format csv -", "--format markdown -", "--format html -",
	} {
		var errs bytes.Buffer
		status := Run(Env{Args: strings.Fields(args), Stdin: bytes.NewReader(aSample(t)), Stdout: full{}, Stderr: &errs, Detectors: catalogue.All})
		if status != exitFailed || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("tcptrace %s exits with %d and says %q", args, status, &errs)
		}
	}
}

// No file name brings control characters or markup into a report or an error.
func TestRun_hostileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("such names cannot be there")
	}
	dir := t.TempDir()
	for _, name := range []string{
		"\x1b[31mred\x1b]0;owned\a.pcap", "two\nlines\r.pcap", "<script>alert(1)<!-- &amp;.pcap", "=HYPERLINK(\"evil\").pcap",
		"|`[x](javascript:y)` @all.pcap", "\u202egnp.\xff\x9b2J.pcap", strings.Repeat("long", 60) + ".pcap", "-n", " .pcap",
	} {
		name = filepath.Join(dir, name)
		for _, content := range [][]byte{aSample(t), aSample(t)[:700], []byte("neither\x00"), {}} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"text", "json", "ndjson", "markdown", "csv", "html"} {
				status, out, errs := commandLine(nil, "--format", format, "--", name)
				if status > exitFailed {
					t.Errorf("%q as %s exits with %d", name, format, status)
				}
				for what, text := range map[string]string{"the report": out, "the errors": errs} {
					if r := harmful(text); r != 0 {
						t.Errorf("%s as %s: %s have %q", filepath.Base(name), format, what, r)
					}
				}
				if format == "html" && strings.Contains(out, "<script") {
					t.Errorf("the name %q came into a page as it is", name)
				}
			}
		}
	}
}

// harmful returns the first character that a terminal would act on, or 0.
func harmful(text string) rune {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") || !unicode.IsPrint(r) && !strings.ContainsRune("\n\t\u00a0", r) {
			return r
		}
	}
	return 0
}

// A pipe that is stopped ends the file without damage.
func TestPipe_stops(t *testing.T) {
	content := aSample(t)
	r, w := io.Pipe()
	defer w.Close()
	done := make(chan struct{})
	go func() {
		w.Write(content[:len(content)-100])
		w.Write(content[len(content)-100 : len(content)-60]) // once the first part is read
		close(done)
	}()
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: r, Pipe: pipeUntil(done)})
	defer trace.Close()
	var fr capture.Frame
	var n uint64
	for len(errs) == 0 && trace.Next(&fr) == nil {
		n++
	}
	if info := trace.Infos()[0]; n < 5 || info.Packets != n || info.Err != nil || len(info.Warnings) > 0 {
		t.Errorf("%d frames, then %+v", n, info)
	}
}

// A pipe passes on what it reads, in pieces of any size.
func TestPipe_passesOn(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 30_000)
	r, w := io.Pipe()
	go func() {
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 7777)
			w.Write(rest[:n])
			rest = rest[n:]
		}
		w.CloseWithError(errors.New("broken"))
	}()
	got, err := io.ReadAll(pipeUntil(nil)(r))
	if !bytes.Equal(got, want) || err == nil || err.Error() != "broken" {
		t.Errorf("%d of %d bytes came, then %v", len(got), len(want), err)
	}
}

// A capture that is cut anywhere gives the findings of its complete packets.
func TestRun_cutAnywhere(t *testing.T) {
	content := aSample(t)
	type read struct {
		packets uint64
		end     int64 // as the file states it, behind the packets
	}
	whole := map[read]string{} // the reports
	for cut := len(content); cut > 100; cut-- {
		trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(content[:cut])})
		var fr capture.Frame
		var packets uint64
		for len(errs) == 0 && trace.Next(&fr) == nil {
			packets++
		}
		status, out, _ := commandLine(bytes.NewReader(content[:cut]), "--format", "csv", "--undecided", "-")
		if status > exitFailed {
			t.Fatalf("cut at byte %d: exit status %d", cut, status)
		}
		what := read{packets, trace.End()}
		if before, is := whole[what]; is && before != out {
			t.Fatalf("cut at byte %d, with %d whole packets, says\n%s\nand not\n%s", cut, packets, out, before)
		}
		whole[what] = out
	}
	if len(whole) < 10 {
		t.Errorf("only %d different numbers of packets", len(whole))
	}
}
