package kernel

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// snap is how much of a frame is kept: all headers, as with `tcpdump -s 96`.
const snap = 96

// A frame is one captured frame.
type frame struct {
	at   int64 // nanoseconds since 1970, by the kernel's clock
	wire int
	data []byte
}

// A tap records the frames of a host's interface in both directions. They wait in
// its socket, with the kernel's timestamps, until they are read.
type tap struct {
	t        *testing.T
	fd       int
	frames   []frame
	segments []reassembly.Segment
	decoder  *decode.Decoder
	ended    bool // what comes now is not recorded
}

// tap starts to record at the host's interface (packet(7)).
func (h *host) tap() *tap {
	h.t.Helper()
	p := &tap{t: h.t, decoder: decode.New()}
	var err error
	h.inside(func() {
		p.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	})
	must(h.t, err)
	h.t.Cleanup(func() { unix.Close(p.fd) })
	must(h.t, unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
	must(h.t, unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20))
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	must(h.t, unix.Bind(p.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: h.link.Attrs().Index}))
	p.awaitClock(h)
	return p
}

// awaitClock waits until frames get their timestamps when they pass. The kernel
// starts this some time after the request; until then, frames get timestamps when
// they are read.
func (p *tap) awaitClock(h *host) {
	p.t.Helper()
	for stamped := false; !stamped; p.frames = nil {
		h.sendDatagram()
		sent := time.Now().UnixNano()
		time.Sleep(time.Millisecond)
		p.seen()
		stamped = len(p.frames) > 0 && p.frames[0].at <= sent
	}
}

// read reads one frame from the tap, if there is one.
func (p *tap) read() bool {
	p.t.Helper()
	if p.ended {
		return false
	}
	var data [snap]byte
	var control [128]byte
	wire, size, _, _, err := unix.Recvmsg(p.fd, data[:], control[:], unix.MSG_TRUNC)
	if err == unix.EAGAIN {
		return false
	}
	must(p.t, err)
	messages, err := unix.ParseSocketControlMessage(control[:size])
	must(p.t, err)
	var stamp unix.Timespec
	for _, m := range messages {
		if m.Header.Type == unix.SCM_TIMESTAMPNS {
			_, err = binary.Decode(m.Data, binary.NativeEndian, &stamp)
			must(p.t, err)
		}
	}
	f := frame{at: stamp.Nano(), wire: wire, data: slices.Clone(data[:min(wire, snap)])}
	p.frames = append(p.frames, f)
	seg := reassembly.Segment{}
	if p.decoder.Decode(linkEthernet, f.data, f.wire, f.at, &seg) == decode.OK {
		seg.At = f.at
		p.segments = append(p.segments, seg)
	}
	return true
}

// seen are the segments so far.
func (p *tap) seen() []reassembly.Segment {
	p.t.Helper()
	for p.read() {
	}
	return p.segments
}

// last is the last segment that the host sent.
func (p *tap) last(h *host) reassembly.Segment {
	p.t.Helper()
	for _, seg := range slices.Backward(p.seen()) {
		if sentBy(h)(&seg) {
			return seg
		}
	}
	p.t.Fatalf("the tap saw nothing of the %s", h.name)
	return reassembly.Segment{}
}

// A match selects segments.
type match func(*reassembly.Segment) bool

// sentBy matches the segments of a host.
func sentBy(h *host) match {
	return func(seg *reassembly.Segment) bool { return seg.Src.AddrPort().Addr() == h.addr }
}

// data matches the segments of a host that have payload.
func data(h *host) match {
	return func(seg *reassembly.Segment) bool { return sentBy(h)(seg) && seg.Len > 0 }
}

// with restricts a match to a kind.
func (s match) with(k kind) match {
	return func(seg *reassembly.Segment) bool { return s(seg) && k.has(seg) }
}

// after restricts a match to segments after a time.
func (s match) after(at int64) match {
	return func(seg *reassembly.Segment) bool { return s(seg) && seg.At > at }
}

// await waits until the tap has seen n such segments, and returns the last. Each counts its
// time anew: timers double.
func (p *tap) await(n int, s match) reassembly.Segment {
	p.t.Helper()
	fewest := n
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		left := n
		for _, seg := range p.seen() {
			if s(&seg) {
				if left--; left == 0 {
					return seg
				}
			}
		}
		if left < fewest {
			fewest, deadline = left, time.Now().Add(patience)
		}
	}
	p.t.Fatalf("the tap saw it %d times, want %d, and not again within %v", n-fewest, n, patience)
	return reassembly.Segment{}
}

const (
	linkEthernet  = 1          // tcpdump.org link-layer header types
	pcapNanoMagic = 0xA1B23C4D // pcap-savefile(5)
)

// write ends the recording and writes it as a pcap file.
func (p *tap) write(name string) {
	p.t.Helper()
	p.seen()
	stats, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	must(p.t, err)
	if stats.Drops > 0 {
		p.t.Errorf("the tap missed %d frames", stats.Drops)
	}
	writeFrames(p.t, name, linkEthernet, p.frames)
}

// writeFrames writes frames as a pcap file.
func writeFrames(t *testing.T, name string, link uint32, frames []frame) {
	t.Helper()
	le := binary.LittleEndian
	out := le.AppendUint32(nil, pcapNanoMagic)
	out = le.AppendUint16(le.AppendUint16(out, 2), 4)
	for _, word := range []uint32{0, 0, snap, link} {
		out = le.AppendUint32(out, word)
	}
	for _, f := range frames {
		for _, word := range []int64{f.at / 1e9, f.at % 1e9, int64(len(f.data)), int64(f.wire)} {
			out = le.AppendUint32(out, uint32(word))
		}
		out = append(out, f.data...)
	}
	if err := os.WriteFile(name, out, 0o644); err != nil {
		t.Fatal(err)
	}
}
