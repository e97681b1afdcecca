package kernel

import (
	"container/heap"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A wire joins two hosts. It knows what was sent, what the tap saw and what arrived,
// and can lose, delay or duplicate packets. It runs in one goroutine, and others
// call it through do.
type wire struct {
	ends    [2]*os.File // TUN devices, of the client and of the server
	in      chan packet
	todo    chan func()
	decoder *decode.Decoder
	due     waiting
	n       int // deadlines so far, for the order of those with the same time

	tapping bool
	ports   [2]uint16 // packets of other ports are from earlier cases, and dropped
	muted   [2]bool   // a host that goes down sends no RST
	legs    [2][2]leg // of what a host sends: to the tap, and from there
	random  *rand.Rand
	faults  []*fault
	packets []*packet
	frames  []frame
	stalled bool     // the wire was late
	late    lateness // by how much in all
}

// A packet is one packet on the wire, with the times when it was sent, captured and
// received, in nanoseconds since 1970, 0 if never.
type packet struct {
	seg                   reassembly.Segment
	from                  int
	sent, tapped, arrived int64
	frame                 int // in the recording
	data                  []byte
	lost, duplicates      [2]int // before the tap, and after it
	late                  [2]time.Duration
	missed                bool // by the tap
}

// maxLate is how late the wire may be: some timers of hosts and detectors are less
// than a second.
const maxLate = 50 * time.Millisecond

// linkRaw is IP without a link layer.
const linkRaw = 101

// newWire connects both hosts to a wire.
func newWire(t *testing.T, client, server *host) *wire {
	t.Helper()
	w := &wire{in: make(chan packet, 1024), todo: make(chan func()), decoder: decode.New()}
	for i, h := range []*host{client, server} {
		w.ends[i] = h.plugTUN()
		go w.listen(i)
	}
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go w.run(over)
	return w
}

// plugTUN gives the host an interface whose other end is a file.
func (h *host) plugTUN() *os.File {
	h.t.Helper()
	var fd int
	var err error
	h.inside(func() {
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		req, _ := unix.NewIfreq("eth0")
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	})
	must(h.t, err)
	file := os.NewFile(uintptr(fd), "tun")
	h.t.Cleanup(func() { file.Close() })
	h.link, err = h.nl.LinkByName("eth0")
	must(h.t, err)
	must(h.t, h.nl.AddrAdd(h.link, &netlink.Addr{IPNet: &net.IPNet{IP: h.addr.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	must(h.t, h.nl.LinkSetUp(h.link))
	return file
}

func (w *wire) listen(from int) {
	var buf [65536]byte
	for {
		n, err := w.ends[from].Read(buf[:])
		if err != nil {
			return
		}
		w.in <- packet{from: from, data: append([]byte(nil), buf[:n]...), sent: time.Now().UnixNano()}
	}
}

// do runs f in the goroutine of the wire, and waits for it.
func (w *wire) do(f func()) {
	done := make(chan struct{})
	w.todo <- func() { defer close(done); f() }
	<-done
}

func (w *wire) run(over chan struct{}) {
	for {
		wait := time.Second
		if len(w.due) > 0 {
			if wait = time.Until(w.due[0].at); wait <= 0 {
				w.stalled = w.stalled || wait < -maxLate
				w.late.add(w.due[0].at.UnixNano(), time.Now().UnixNano())
				heap.Pop(&w.due).(deadline).f()
				continue
			}
		}
		timer := time.NewTimer(wait)
		select {
		case p := <-w.in:
			w.sent(&p)
		case f := <-w.todo:
			f()
		case <-timer.C:
		case <-over:
			return
		}
		timer.Stop()
	}
}

// sent processes a packet that a host sends.
func (w *wire) sent(p *packet) {
	w.stalled = w.stalled || time.Now().UnixNano()-p.sent > int64(maxLate)
	if w.decoder.Decode(linkRaw, p.data, len(p.data), p.sent, &p.seg) != decode.OK {
		return
	}
	own, peer := w.ports[p.from], w.ports[1-p.from]
	if p.seg.Src.Port != own || p.seg.Dst.Port != peer {
		return
	}
	w.packets = append(w.packets, p)
	if w.muted[p.from] && p.seg.Flags&reassembly.RST != 0 {
		p.lost[0] = 1
	}
	for _, f := range w.faults {
		f.affects(p)
	}
	w.over(p, 0, func() {
		for range 1 + p.duplicates[0] {
			w.see(p)
		}
		w.over(p, 1, func() { w.deliver(p) })
	})
}

func (w *wire) see(p *packet) {
	if !w.tapping || p.missed {
		return
	}
	now := time.Now().UnixNano()
	w.frames = append(w.frames, frame{now, len(p.data), p.data[:min(len(p.data), snap)]})
	if p.tapped == 0 {
		p.tapped, p.frame = now, len(w.frames)
	}
}

func (w *wire) deliver(p *packet) {
	p.arrived = time.Now().UnixNano()
	for range 1 + p.duplicates[0] + p.duplicates[1] {
		w.ends[1-p.from].Write(p.data)
	}
}

// settle waits until all packets have passed, except those that are delayed.
func (w *wire) settle() {
	for range 20 {
		for quiet := false; !quiet; {
			select {
			case p := <-w.in:
				w.sent(&p)
			default:
				quiet = true
			}
			for len(w.due) > 0 && time.Until(w.due[0].at) <= 0 {
				heap.Pop(&w.due).(deadline).f()
				quiet = false
			}
		}
		time.Sleep(300 * time.Microsecond)
		if len(w.in) == 0 {
			return
		}
	}
}

// tick adds a frame to the recording that shows the time.
func (w *wire) tick() {
	if !w.tapping {
		return
	}
	hello := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 9, 0, 9, 0, 8, 0, 0}
	w.frames = append(w.frames, frame{time.Now().UnixNano(), len(hello), hello})
}
