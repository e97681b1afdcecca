package live_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
)

// TestSniff_severalInterfaces: the test is a router that loses some of what comes in. What
// does not go out at the other interface is reported, to the frame.
func TestSniff_severalInterfaces(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	for _, name := range []string{"inside", "outside"} {
		w.must(w.nl.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: 9000}, PeerName: "at-" + name}))
	}
	var out [2]int
	for i, name := range []string{"at-inside", "at-outside", "inside", "outside"} {
		link, err := w.nl.LinkByName(name)
		w.must(err)
		w.must(w.nl.LinkSetARPOff(link))
		w.must(w.nl.LinkSetUp(link))
		if i >= len(out) {
			continue
		}
		w.inside(func() {
			out[i], err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			w.must(err)
			w.must(unix.Bind(out[i], &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index}))
		})
		t.Cleanup(func() { unix.Close(out[i]) })
	}
	r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 3 * time.Millisecond, Loss: 0.04, Exchanges: 8, Answer: 20000, Think: 10 * time.Millisecond})
	type passing struct {
		at   int64
		tap  int
		data []byte
	}
	var all []passing
	for tap := range r.Taps {
		name := filepath.Join(t.TempDir(), "tap.pcap")
		w.must(os.WriteFile(name, pathsim.Pcap(r.Taps[tap]), 0o600))
		trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
		defer trace.Close()
		for _, err := range errs {
			t.Fatal(err)
		}
		for fr := (capture.Frame{}); trace.Next(&fr) == nil; {
			data := append(bytes.Clone(fr.Data), make([]byte, fr.Len-len(fr.Data))...)
			if fr.Link == capture.LinkRaw {
				data = append(etherHeader(0x0800), data...)
			}
			all = append(all, passing{fr.At, tap, data})
		}
	}
	slices.SortStableFunc(all, func(a, b passing) int { return cmp.Compare(a.at, b.at) })
	var want [2]int // lost, by sender
	for _, x := range r.Log {
		if x.Lost && x.FromServer {
			want[1]++
		} else if x.Lost {
			want[0]++
		}
	}
	if want[0] == 0 || want[1] == 0 {
		t.Fatalf("the router loses %v", want)
	}
	kept := filepath.Join(t.TempDir(), "kept.pcapng")
	s := w.sniff("-i", "inside", "-i", "outside", "--format", "json", "-w", kept, "--flows", "--fail-on", "never")
	again := w.sniff("-i", "inside", "-i", "outside", "--fail-on", "never")
	begin := time.Now()
	for _, x := range all {
		due := begin.Add(time.Duration(x.at - all[0].at))
		time.Sleep(time.Until(due))
		begin = begin.Add(time.Since(due)) // the rest is delayed as well
		_, err := unix.Write(out[x.tap], x.data)
		w.must(err)
	}
	again.await(again.output, " were lost between ") // while the capture runs; of which side, see below
	if text := again.output(); strings.Contains(text, "Tap outside: ") {
		t.Errorf("the report came before the end:\n%s", text)
	}
	s.stop(0)
	again.stop(0)
	type way struct {
		Lost                 []struct{ Tap string }
		Undecided, Uncovered int
	}
	var report struct {
		Taps  []struct{ Name, Recognised string }
		Flows []struct {
			Between []struct {
				A2B, B2A way
			}
		}
		Totals struct{ Packets int }
	}
	if err := json.Unmarshal([]byte(s.output()), &report); err != nil {
		t.Fatalf("%v: %s\n%s", err, s.output(), s.errors())
	}
	if len(report.Taps) != 2 || report.Taps[0].Name != "inside" || report.Taps[1].Name != "outside" || report.Taps[0].Recognised != "named" {
		t.Fatalf("taps %+v", report.Taps)
	}
	if len(report.Flows) != 1 || len(report.Flows[0].Between) != 1 {
		t.Fatalf("connections %+v", report.Flows)
	}
	b := report.Flows[0].Between[0]
	for side, way := range []way{b.A2B, b.B2A} {
		// A busy machine sends some frames so late that the first and last are not covered.
		if n := len(way.Lost); n > want[side] || n+way.Uncovered+way.Undecided < want[side] || n > 0 && way.Lost[0].Tap != [2]string{"inside", "outside"}[side] {
			t.Errorf("side %d: %d are lost: %+v", side, want[side], way)
		}
	}
	if text := again.output(); !strings.Contains(text, "Tap outside: ") || !strings.Contains(text, "From inside to outside: ") {
		t.Errorf("no taps in\n%s\n%s", text, again.errors())
	}
	if report.Totals.Packets != len(all) {
		t.Errorf("%d packets, want %d", report.Totals.Packets, len(all))
	}
}
