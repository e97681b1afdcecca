package tracepoints

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// A Reader reads events, of all network namespaces. It is not safe for concurrent use.
type Reader struct {
	layout layout
	ring   *ringbuf.Reader
	lost   *ebpf.Map
	loaded []*ebpf.Program
	open   []interface{ Close() error }
	record ringbuf.Record
}

// ringSize holds some 4,000 events.
const ringSize = 1 << 20

// Open begins to collect events. That needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN.
// Reading them later needs no right.
func Open() (*Reader, error) {
	r := new(Reader)
	if err := r.start(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) start() error {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("this kernel does not describe itself (BTF): %w", err)
	}
	if r.layout, err = layoutOf(spec); err != nil {
		return err
	}
	records, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		return err
	}
	r.open = append(r.open, records)
	if r.lost, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return err
	}
	r.open = append(r.open, r.lost)
	if r.ring, err = ringbuf.NewReader(records); err != nil {
		return err
	}
	r.open = append(r.open, r.ring)
	for _, p := range programs(&r.layout, records, r.lost) {
		if err = r.attach(&p); err != nil {
			return fmt.Errorf("tracepoint %s: %w", p.tracepoint, err)
		}
	}
	return nil
}

func (r *Reader) attach(p *program) error {
	loaded, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, Instructions: p.instructions, License: "GPL"}) // probe_read_kernel demands it
	if err != nil {
		return err
	}
	r.open, r.loaded = append(r.open, loaded), append(r.loaded, loaded)
	attached, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: p.tracepoint, Program: loaded})
	if err != nil {
		return err
	}
	r.open = append(r.open, attached)
	return nil
}

// Close ends the collection.
func (r *Reader) Close() {
	for i := len(r.open) - 1; i >= 0; i-- {
		_ = r.open[i].Close()
	}
	r.open = nil
}

// Lost is how many events found no room since the beginning.
func (r *Reader) Lost() (n uint64) {
	_ = r.lost.Lookup(uint32(0), &n)
	return n
}

// Missed is how many events the kernel passed over since the beginning: it does not run a program
// that it has interrupted on the same processor.
func (r *Reader) Missed() (n uint64) {
	for _, p := range r.loaded {
		if s, err := p.Stats(); err == nil {
			n += s.RecursionMisses
		}
	}
	return n
}

// Read gives each all events so far that it has not had yet, and does not wait for more.
func (r *Reader) Read(each func(Event)) error {
	var mono unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
		return err
	}
	boot := time.Now().UnixNano() - mono.Nano()
	r.ring.SetDeadline(time.Unix(1, 0))
	for {
		switch err := r.ring.ReadInto(&r.record); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		if e, ok := r.event(r.record.RawSample, boot); ok {
			each(e)
		}
	}
}

// event reads a record.
func (r *Reader) event(b []byte, boot int64) (e Event, ok bool) {
	if len(b) < recordSize {
		return e, false
	}
	ne := binary.NativeEndian
	e.At, e.Kind = int64(ne.Uint64(b[recordTime:]))+boot, Kind(ne.Uint32(b[recordKind:]))
	reason := ne.Uint32(b[recordReason:])
	if ne.Uint32(b[recordHeaders:]) != 0 {
		ok = e.segment(b[recordIP:], b[recordTCP:])
	}
	sock := b[recordSock:recordIP]
	e.State = sock[r.layout.state]
	switch e.Kind {
	case Dropped:
		e.Reason = r.layout.dropReasons[reason]
		return e, ok && e.Reason != ""
	case SentReset:
		e.Reason = r.layout.resetReasons[reason]
		if ok { // what it answers
			e.Src, e.Dst = e.Dst, e.Src
			return e, true
		}
	case Retransmitted:
		if reason != 0 { // nothing was sent
			return e, false
		}
		e.Seq = ne.Uint32(b[recordSeq:])
		e.Len = ne.Uint32(b[recordSeq+4:]) - e.Seq
	}
	if !r.layout.endpoints(sock, &e) {
		return e, false
	}
	if e.Src.Port() == 0 {
		e.Src = netip.AddrPortFrom(e.Src.Addr(), binary.BigEndian.Uint16(b[recordPort:]))
	}
	return e, true
}

// segment reads the headers of a segment.
func (e *Event) segment(ip, tcp []byte) bool {
	be := binary.BigEndian
	var src, dst netip.Addr
	header, total := 0, 0
	switch ip[0] >> 4 {
	case 4:
		src, dst = netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
		header, total = int(ip[0]&15)*4, int(be.Uint16(ip[2:]))
	case 6:
		src, dst = netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
		header, total = ipSize, ipSize+int(be.Uint16(ip[4:]))
	default:
		return false
	}
	e.HasSegment = true
	e.Src, e.Dst = netip.AddrPortFrom(src, be.Uint16(tcp)), netip.AddrPortFrom(dst, be.Uint16(tcp[2:]))
	e.Seq, e.Ack, e.Flags = be.Uint32(tcp[4:]), be.Uint32(tcp[8:]), tcp[13]
	e.Len = uint32(max(total-header-int(tcp[12]>>4)*4, 0))
	return true
}

// endpoints reads the addresses of a socket.
func (l *layout) endpoints(sock []byte, e *Event) bool {
	ne, be := binary.NativeEndian, binary.BigEndian
	var src, dst netip.Addr
	switch ne.Uint16(sock[l.family:]) {
	case unix.AF_INET:
		src, dst = netip.AddrFrom4([4]byte(sock[l.source:])), netip.AddrFrom4([4]byte(sock[l.destination:]))
	case unix.AF_INET6:
		src, dst = netip.AddrFrom16([16]byte(sock[l.source6:])).Unmap(), netip.AddrFrom16([16]byte(sock[l.destination6:])).Unmap()
	default:
		return false
	}
	e.Src, e.Dst = netip.AddrPortFrom(src, ne.Uint16(sock[l.sourcePort:])), netip.AddrPortFrom(dst, be.Uint16(sock[l.destinationPort:]))
	return true
}
