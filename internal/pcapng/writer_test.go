package pcapng_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

const second = int64(time.Second)

// write makes a file of two interfaces, of different link types and resolutions.
func write(t *testing.T, w *pcapng.Writer, comment string) {
	t.Helper()
	number := func(i pcapng.Interface) int {
		n, err := w.Interface(i)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := w.Begin(pcapng.Section{Comment: "a comment\nof two lines", Hardware: "h", System: "s", Application: "tcptrace test"})
	if err != nil {
		t.Fatal(err)
	}
	nano := number(pcapng.Interface{Link: 1, Name: "eth0", Description: "the first", Filter: "tcp"})
	micro := number(pcapng.Interface{Link: 101, Snap: 96, Name: "tun0", Micro: true})
	for _, p := range []pcapng.Packet{
		{Interface: nano, At: 5*second + 1, Data: []byte("odd"), Len: 100, Comment: comment},
		{Interface: micro, At: 6*second + 2999, Data: []byte("even"), Len: 4},
	} {
		if err := w.Packet(&p); err != nil {
			t.Fatal(err)
		}
	}
	w.Lost(micro, 7)
	if err := w.End(60 * second); err != nil {
		t.Fatal(err)
	}
}

func TestWriter_readBack(t *testing.T) {
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	write(t, w, "a comment")
	if w.Size() != int64(b.Len()) {
		t.Errorf("Size is %d, %d bytes were written", w.Size(), b.Len())
	}
	tr, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: &b})
	if errs != nil {
		t.Fatal(errs)
	}
	var frames []capture.Frame
	for fr := (capture.Frame{}); tr.Next(&fr) == nil; {
		fr.Data = bytes.Clone(fr.Data)
		frames = append(frames, fr)
	}
	info := tr.Infos()[0]
	if len(frames) != 2 || info.Err != nil || len(info.Warnings) > 0 {
		t.Fatalf("read %d frames, error %v, warnings %q", len(frames), info.Err, info.Warnings)
	}
	f, g := frames[0], frames[1]
	if f.At != 5*second+1 || string(f.Data) != "odd" || f.Len != 100 || f.Link != capture.LinkEthernet {
		t.Errorf("the first frame is %+v", f)
	}
	if g.At != 6*second+2000 || string(g.Data) != "even" || g.Len != 4 || g.Link != capture.LinkRaw {
		t.Errorf("the second frame is %+v", g)
	}
	if tr.End() != 60*second || info.Drops != 7 {
		t.Errorf("the trace ends at %d and lost %d packets, want 60 s and 7", tr.End(), info.Drops)
	}
}

// Wireshark reads the file and shows the comments.
func TestWriter_tshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	var b bytes.Buffer
	write(t, pcapng.NewWriter(&b), "ümlaut, "+strings.Repeat("long ", 20))
	name := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tshark, "-r", name, "-T", "fields", "-E", "separator=|", "-e", "frame.number", "-e", "frame.comment",
		"-e", "frame.interface_name", "-e", "frame.len", "-e", "frame.time_epoch")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	want := "1|ümlaut, " + strings.Repeat("long ", 20) + "|eth0|100|5.000000001\n2||tun0|4|6.000002000\n"
	if string(out) != want {
		t.Errorf("tshark shows\n%s\nwant\n%s", out, want)
	}
}

// A text that is too long or not valid UTF-8 still makes a valid option.
func TestWriter_text(t *testing.T) {
	for _, comment := range []string{strings.Repeat("é", 40_000), "x" + strings.Repeat("é", 40_000), "\xff\xfe"} {
		var b bytes.Buffer
		write(t, pcapng.NewWriter(&b), comment)
		tr, _ := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: &b})
		var fr capture.Frame
		n := 0
		for tr.Next(&fr) == nil {
			n++
		}
		if info := tr.Infos()[0]; n != 2 || info.Err != nil {
			t.Errorf("a comment of %d bytes: %d frames, %v", len(comment), n, info.Err)
		}
	}
}

type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

func TestWriter_errorStays(t *testing.T) {
	w := pcapng.NewWriter(&failing{left: 200})
	w.Begin(pcapng.Section{})
	tap, _ := w.Interface(pcapng.Interface{Link: 1})
	if err := w.Packet(&pcapng.Packet{Interface: tap + 1}); err == nil {
		t.Error("a packet of an interface that was not described is written")
	}
	if err := w.Packet(&pcapng.Packet{Interface: tap, Data: make([]byte, 200)}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if err := w.End(1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("End after an error: %v", err)
	}
}

// Live capture writes every packet, so this must not allocate.
func TestWriter_allocatesNothing(t *testing.T) {
	w := pcapng.NewWriter(io.Discard)
	tap, _ := w.Interface(pcapng.Interface{Link: 1})
	p := pcapng.Packet{Interface: tap, At: 1, Data: make([]byte, 1500)}
	if n := testing.AllocsPerRun(100, func() { w.Packet(&p) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
