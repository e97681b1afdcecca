package live_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/cli"
)

// asCommand makes this test binary run as tcptrace.
const asCommand = "TCPTRACE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Run(cli.Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Detectors: catalogue.All, Confine: true}))
	}
	flag.Parse()
	flag.Set("test.parallel", "100") // they mostly wait
	os.Exit(m.Run())
}

// A wire is a network namespace with both ends of a cable: frames sent to "far" come
// out of "near". A thread stays in it.
type wire struct {
	*testing.T
	ns   netns.NsHandle
	nl   *netlink.Handle
	work chan func()
	out  int // packet socket at far
}

func newWire(t *testing.T) *wire {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may make network namespaces and capture")
	}
	w := &wire{T: t, work: make(chan func()), out: -1}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread dies with the goroutine
		var err error
		w.ns, err = netns.New()
		made <- err
		for f := range w.work {
			f()
		}
	}()
	t.Cleanup(func() { close(w.work) })
	if err := <-made; errors.Is(err, os.ErrPermission) {
		t.Skipf("skipped: this system does not allow network namespaces: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.ns.Close() })
	nl, err := netlink.NewHandleAt(w.ns, unix.NETLINK_ROUTE)
	w.must(err)
	t.Cleanup(nl.Close)
	w.nl = nl
	w.inside(func() { w.must(os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)) })
	lo, err := nl.LinkByName("lo")
	w.must(err)
	w.must(nl.LinkSetUp(lo))
	w.plug()
	return w
}

// plug creates the cable.
func (w *wire) plug() {
	w.Helper()
	w.must(w.nl.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near", MTU: 9000}, PeerName: "far"}))
	for _, name := range []string{"near", "far"} {
		link, err := w.nl.LinkByName(name)
		w.must(err)
		w.must(w.nl.LinkSetARPOff(link))
		w.must(w.nl.LinkSetUp(link))
	}
	link, err := w.nl.LinkByName("far")
	w.must(err)
	w.inside(func() {
		if w.out >= 0 {
			unix.Close(w.out)
		}
		w.out, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		w.must(err)
		w.must(unix.Bind(w.out, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index}))
	})
	w.Cleanup(func() { unix.Close(w.out); w.out = -1 })
}

// unplug removes the cable.
func (w *wire) unplug() {
	w.Helper()
	link, err := w.nl.LinkByName("near")
	w.must(err)
	w.must(w.nl.LinkDel(link))
}

func (w *wire) send(frame []byte) {
	w.Helper()
	_, err := unix.Write(w.out, frame)
	w.must(err)
}

// inside runs f on the thread in the namespace.
func (w *wire) inside(f func()) {
	done := make(chan struct{})
	w.work <- func() { defer close(done); f() }
	<-done
}

func (w *wire) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// replay sends the frames of a capture at their times, with their length on the
// wire. It returns at the end of the capture.
func (w *wire) replay(file string) {
	w.Helper()
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	defer trace.Close()
	for _, err := range errs {
		w.Fatal(err)
	}
	var begin time.Time
	var first int64
	at := func(t int64) time.Time { return begin.Add(time.Duration(t - first)) }
	for fr := (capture.Frame{}); trace.Next(&fr) == nil; {
		if begin.IsZero() {
			begin, first = time.Now(), fr.At
		}
		time.Sleep(time.Until(at(fr.At)))
		begin = begin.Add(time.Since(at(fr.At))) // after a delay, the rest is delayed as well: intervals must not get shorter
		frame := append(bytes.Clone(fr.Data), make([]byte, fr.Len-len(fr.Data))...)
		if fr.Link == capture.LinkRaw {
			frame = append(etherHeader(0x0800), frame...)
		}
		w.send(frame)
	}
	time.Sleep(time.Until(at(trace.End())) + 50*time.Millisecond)
}

// inTime repeats a test that replays a capture and keeps the frames, until they came
// at the right times, and compares both. A busy machine sends some frames late,
// and then the findings are rightly different.
func (w *wire) inTime(file string, test func(file, kept string)) {
	w.Helper()
	const tolerance = int64(2 * time.Millisecond)
	late := func(a, b int64) bool { return a-b > tolerance || b-a > tolerance }
	for range 3 {
		kept := filepath.Join(w.TempDir(), "kept.pcapng")
		test(file, kept)
		sent, came := gaps(w.T, file), gaps(w.T, kept)
		if len(sent) != len(came) {
			w.Fatalf("of %d frames %d are kept", len(sent), len(came))
		}
		if slices.EqualFunc(sent, came, func(a, b int64) bool { return !late(a, b) }) {
			if got, want := fromFile(w.T, kept), fromFile(w.T, file); !maps.Equal(got, want) {
				w.Errorf("the kept file gives\n%v\nthe capture\n%v", got, want)
			}
			return
		}
	}
	w.Log("this machine is too busy to send frames in time: the findings were compared with the kept file only")
}

// gaps are the times in nanoseconds from frame to frame.
func gaps(t *testing.T, file string) (all []int64) {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	defer trace.Close()
	for _, err := range errs {
		t.Fatal(err)
	}
	last := int64(0)
	for fr := (capture.Frame{}); trace.Next(&fr) == nil; last = fr.At {
		if last != 0 {
			all = append(all, fr.At-last)
		}
	}
	return all
}

// etherHeader is a header between two other stations.
func etherHeader(protocol uint16) []byte {
	h := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	return binary.BigEndian.AppendUint16(h, protocol)
}

// listen is a TCP listener in the namespace, at the loopback interface.
func (w *wire) listen() (l net.Listener) {
	w.Helper()
	w.inside(func() {
		var err error
		l, err = net.Listen("tcp4", "127.0.0.1:0")
		w.must(err)
	})
	w.Cleanup(func() { l.Close() })
	return l
}

func (w *wire) dial(addr string) (c net.Conn) {
	w.Helper()
	w.inside(func() {
		var err error
		c, err = net.Dial("tcp4", addr)
		w.must(err)
	})
	return c
}
