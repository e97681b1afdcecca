package kernel

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

var (
	waitCases = flag.Int("waits", 0, "run so many random connections whose waits are known, and print a table")
	waitSeed  = flag.Uint64("waits-seed", 0, "`number` of the first of these")
)

// waitTaps are the places where a case is captured.
var waitTaps = [3]string{"client", "middle", "server"}

// TestWaits holds the account of time against those who know: applications that say when they
// slept, a path that says when each packet was sent and arrived, and both kernels' own
// clocks (tcp_info). Each connection is captured at three places.
//
// Without -waits it runs one case of each kind, and those that fail again: a fault of the account
// stays, one of a busy machine does not. The truth is what happened, not what was meant to.
func TestWaits(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("skipped: it takes seconds of real time")
	case os.Geteuid() != 0:
		t.Skip("skipped: only root may create network namespaces")
	}
	n, atOnce, tries := *waitCases, 12, 1
	if n == 0 {
		n, atOnce, tries = len(waitKinds), len(waitKinds), 3
	}
	var all waitTable
	slots := make(chan struct{}, atOnce)
	t.Run("cases", func(t *testing.T) {
		for i := range n {
			c := newWaitCase(*waitSeed + uint64(i))
			t.Run(fmt.Sprintf("%d %s", c.seed, c.kind), func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				wrong := ""
				for range tries {
					if wrong = c.run(t, &all); wrong == "" {
						return
					}
				}
				t.Error(wrong)
			})
		}
	})
	if *waitCases > 0 {
		all.print(t)
	}
}

// A waitRun is a case as it went.
type waitRun struct {
	*waitCase
	*testing.T
	parties [2]*party
	packets []*packet
	noise   time.Duration // for how long the machine was too slow
}

const waitPort = 7000

// run runs the case, and returns what is wrong.
func (c *waitCase) run(t *testing.T, all *waitTable) string {
	client, server := newHost(t, "client", clientAddr), newHost(t, "server", serverAddr)
	client.peer, server.peer = server, client
	w := newWire(t, client, server)
	for _, h := range []*host{client, server} {
		h.sysctl("net/ipv4/tcp_no_metrics_save", "1")
		must(t, h.nl.LinkSetTxQLen(h.link, 10_000))
	}
	w.do(func() {
		w.tapping, w.ports, w.legs = true, [2]uint16{clientPort, waitPort}, c.legs()
		w.random = rand.New(rand.NewPCG(c.seed, 17))
	})
	began := paused.Load()
	l, d := server.socket(waitPort), client.socket(clientPort)
	for _, s := range []*socket{l, d} {
		must(t, unix.SetsockoptString(s.fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, c.congestion))
	}
	if c.receive > 0 {
		d.set(unix.SOL_SOCKET, unix.SO_RCVBUF, c.receive)
	}
	if c.send > 0 {
		l.set(unix.SOL_SOCKET, unix.SO_SNDBUF, c.send)
	}
	l.listen(1)
	d.dial(waitPort)
	d.wait(unix.POLLOUT)
	r := &waitRun{waitCase: c, T: t, parties: [2]*party{newParty(d)}}
	asked := make(chan error)
	go func() { asked <- r.parties[0].ask(c) }()
	r.parties[1] = newParty(l.accept())
	l.close()
	if err := errors.Join(r.parties[1].answer(c), <-asked); err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && !r.over(w); {
		time.Sleep(5 * time.Millisecond)
	}
	w.do(func() { r.noise = time.Duration(w.late.sum) })
	r.noise = max(r.noise, time.Duration(paused.Load()-began))
	for _, a := range r.parties {
		a.file.Close()
	}
	return r.check(all)
}

// over reports whether both FINs have been acknowledged at the ends, and keeps the log.
func (r *waitRun) over(w *wire) bool {
	w.do(func() {
		r.packets = r.packets[:0]
		for _, p := range w.packets {
			copied := *p // the wire goes on writing to its own
			r.packets = append(r.packets, &copied)
		}
	})
	for from := range 2 {
		fin := slices.IndexFunc(r.packets, func(p *packet) bool { return p.from == from && p.seg.Flags&reassembly.FIN != 0 })
		if fin < 0 || !slices.ContainsFunc(r.packets, func(p *packet) bool {
			return p.from != from && p.arrived != 0 && p.seg.Ack == r.packets[fin].seg.End()
		}) {
			return false
		}
	}
	return true
}

// capture writes what the taps saw, and names the files.
func (r *waitRun) capture(dir string) (names [3]string) {
	for tap, name := range waitTaps {
		var frames []frame
		for _, p := range r.packets {
			at := [3]int64{p.sent, p.tapped, p.arrived}
			if p.from == 1 {
				at = [3]int64{p.arrived, p.tapped, p.sent}
			}
			if at[tap] != 0 {
				frames = append(frames, frame{at[tap], len(p.data), p.data[:min(len(p.data), snap)]})
			}
		}
		slices.SortStableFunc(frames, func(a, b frame) int { return cmp.Compare(a.at, b.at) })
		names[tap] = filepath.Join(dir, fmt.Sprintf("%03d.%s.pcap", r.seed, name))
		writeFrames(r.T, names[tap], linkRaw, frames)
	}
	return names
}
