//go:build !libpcap

package live

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// ErrPermission is returned if this process is not allowed to capture.
var ErrPermission = errors.New("capturing needs the capability CAP_NET_RAW")

// A socket is a packet socket bound to an interface (packet(7)).
type socket struct {
	fd      int
	name    string // of the interface
	index   int32  // of the interface, 0 for any
	device  uint16 // its type, ARPHRD_...
	link    capture.LinkType
	any     bool
	cooked  bool // frames come without the device's header
	promisc bool
	program *filter.Program // one that the kernel cannot run
}

// Open starts to capture. The error is ErrPermission if the process lacks that.
func Open(o Options) (*Ring, error) {
	r := &Ring{waker: -1, socket: socket{fd: -1, name: o.Interface, any: o.Interface == Any, promisc: o.Promiscuous}}
	if err := r.open(o.Filter); err != nil {
		unix.Close(r.fd)
		if errors.Is(err, unix.EPERM) {
			return nil, ErrPermission
		}
		return nil, fmt.Errorf("%s: %w", o.Interface, err)
	}
	return r, nil
}

// open sets up the socket in an order that receives no frame before the filter is
// attached: a socket of protocol 0 receives nothing until it is bound.
func (r *Ring) open(program func(capture.LinkType) (*filter.Program, error)) error {
	if err := r.choose(); err != nil {
		return err
	}
	kind := unix.SOCK_RAW
	if r.cooked {
		kind = unix.SOCK_DGRAM
	}
	var err error
	if r.fd, err = unix.Socket(unix.AF_PACKET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if r.waker, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("this kernel has no TPACKET_V3: %w", err)
	}
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_RESERVE, reserved); err != nil {
		return err
	}
	if program != nil {
		if err := r.attach(program); err != nil {
			return err
		}
	}
	if err := r.allocate(); err != nil {
		return err
	}
	if r.device == unix.ARPHRD_LOOPBACK { // sent frames are received there as well
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
	}
	return r.bind()
}

// choose looks up the interface and its link type.
func (s *socket) choose() error {
	if s.any {
		s.cooked, s.link = true, capture.LinkSLL2
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0) // any socket accepts netdevice(7) requests
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if s.index, err = indexOf(fd, s.name); err != nil {
		return err
	}
	if s.device, err = deviceOf(fd, s.name); err != nil {
		return err
	}
	var known bool
	if s.link, known = linkTypes[s.device]; !known {
		s.cooked, s.link = true, capture.LinkSLL2
	}
	return nil
}

func indexOf(fd int, name string) (int32, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("not a valid name of an interface: %w", err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err != nil {
		return 0, fmt.Errorf("there is no such interface (see --list-interfaces): %w", err)
	}
	return int32(request.Uint32()), nil
}

func deviceOf(fd int, name string) (uint16, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	err = unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, request)
	return request.Uint16(), err
}

// attach attaches the filter in the kernel, except for programs that need headers
// which frames in the kernel do not have.
func (s *socket) attach(program func(capture.LinkType) (*filter.Program, error)) error {
	p, err := program(s.link)
	if err != nil {
		return err
	}
	if s.cooked || p.VLAN() {
		s.program = p
		return nil
	}
	raw := p.Raw()
	code := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	err = unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
	return cmp.Or(err, unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 1))
}

// allocate creates the ring, a smaller one if memory is short.
func (r *Ring) allocate() (err error) {
	const frameSize = 2048 // only for the kernel's checks: frames are packed
	for blocks := uint32(maxBlocks); blocks >= 2; blocks /= 2 {
		err = unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{
			Block_size: blockSize, Block_nr: blocks, Frame_size: frameSize, Frame_nr: blockSize / frameSize * blocks,
			Retire_blk_tov: uint32(retireAfter.Milliseconds()),
		})
		if err == nil {
			r.memory, err = unix.Mmap(r.fd, 0, int(blocks)*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			return err
		}
		if !errors.Is(err, unix.ENOMEM) {
			break
		}
	}
	return fmt.Errorf("memory for frames: %w", err)
}

// bind starts to receive frames, if wanted in promiscuous mode.
func (s *socket) bind() error {
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: int(s.index)}); err != nil {
		return err
	}
	if !s.promisc || s.any || s.device == unix.ARPHRD_LOOPBACK {
		return nil
	}
	return unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: s.index, Type: unix.PACKET_MR_PROMISC})
}

// Link is the link type of the frames.
func (s *socket) Link() capture.LinkType { return s.link }

// Match reports whether a frame passes the filter, if the kernel does not run it.
func (s *socket) Match(fr *capture.Frame) bool {
	return s.program == nil || s.program.Match(fr.Data, fr.Len)
}
