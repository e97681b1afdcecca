package host

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// sock_diag(7): a question is a netlink header and a struct inet_diag_req_v2, an answer a
// header and a struct inet_diag_msg, with attributes that are not needed.
const (
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	headerSize       = unix.SizeofNlMsghdr
	requestSize      = headerSize + 56
	messageSize      = 72
)

// A diag is what the kernel says about a socket.
type diag struct {
	local, foreign netip.AddrPort
	cookie         uint64 // the socket's own number
	socket         result.Socket
}

// states are those of include/net/tcp_states.h.
var states = [...]fsm.State{
	1: fsm.Established, 2: fsm.SynSent, 3: fsm.SynReceived, 4: fsm.FinWait1, 5: fsm.FinWait2, 6: fsm.TimeWait, 7: fsm.Closed,
	8: fsm.CloseWait, 9: fsm.LastAck, 10: fsm.Listen, 11: fsm.Closing, 12: fsm.SynReceived,
}

// timers are the values of idiag_timer, as ss -o names them.
var timers = [...]string{1: "on", 2: "keepalive", 3: "timewait", 4: "persist"}

// openDiag opens a socket that asks about the network namespace of this thread.
func openDiag() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return -1, fmt.Errorf("sock_diag: %w", err)
	}
	// A kernel without the module for TCP does not answer.
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 2})
	return fd, nil
}

// request is a question about all sockets of a family, or about one connection.
func request(family uint8, flags uint16, local, foreign netip.AddrPort) []byte {
	b := make([]byte, requestSize)
	ne, be := binary.NativeEndian, binary.BigEndian
	ne.PutUint32(b, requestSize)
	ne.PutUint16(b[4:], sockDiagByFamily)
	ne.PutUint16(b[6:], unix.NLM_F_REQUEST|flags)
	r := b[headerSize:]
	r[0], r[1] = family, unix.IPPROTO_TCP
	ne.PutUint32(r[4:], ^uint32(0)) // in any state
	if local.IsValid() {
		be.PutUint16(r[8:], local.Port())
		be.PutUint16(r[10:], foreign.Port())
		copy(r[12:28], local.Addr().AsSlice())
		copy(r[28:44], foreign.Addr().AsSlice())
	}
	ne.PutUint64(r[48:], ^uint64(0)) // INET_DIAG_NOCOOKIE
	return b
}

// lookup asks about one connection. Where there is none, the kernel names the socket that
// accepts connections there, if there is one; see inet_diag_find_one_icsk.
func lookup(fd int, local, foreign netip.AddrPort) (d diag, found bool, err error) {
	family := uint8(unix.AF_INET6)
	if local.Addr().Is4() {
		family = unix.AF_INET
	}
	err = ask(fd, request(family, 0, local, foreign), func(x diag) { d, found = x, true })
	return d, found, err
}

// dump asks about all sockets of the namespace.
func dump(fd int, each func(diag)) error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := ask(fd, request(family, unix.NLM_F_DUMP, netip.AddrPort{}, netip.AddrPort{}), each); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request and reads the answers: many and a NLMSG_DONE, or one, or an error,
// which for one connection is ENOENT.
func ask(fd int, question []byte, each func(diag)) error {
	if err := unix.Sendto(fd, question, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sock_diag: %w", err)
	}
	all := binary.NativeEndian.Uint16(question[6:])&unix.NLM_F_DUMP != 0
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("sock_diag: %w", err)
		}
		for b := buf[:n]; len(b) >= headerSize; {
			size, kind := int(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint16(b[4:])
			if size < headerSize || size > len(b) {
				return fmt.Errorf("sock_diag: a message of %d bytes in %d", size, len(b))
			}
			payload := b[headerSize:size]
			switch kind {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				if len(payload) < 4 {
					return fmt.Errorf("sock_diag: a short error")
				}
				errno := unix.Errno(-int32(binary.NativeEndian.Uint32(payload)))
				if errno == unix.ENOENT && !all || errno == 0 {
					return nil
				}
				return fmt.Errorf("sock_diag: %w", errno)
			case sockDiagByFamily:
				if d, ok := parse(payload); ok {
					each(d)
				}
				if !all {
					return nil
				}
			}
			b = b[min(len(b), (size+3)&^3):]
		}
	}
}

// parse reads a struct inet_diag_msg.
func parse(m []byte) (d diag, ok bool) {
	if len(m) < messageSize || int(m[1]) >= len(states) {
		return d, false
	}
	ne, be := binary.NativeEndian, binary.BigEndian
	addr := func(b []byte) netip.Addr {
		if m[0] == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b))
		}
		return netip.AddrFrom16([16]byte(b)).Unmap()
	}
	d.local = netip.AddrPortFrom(addr(m[8:24]), be.Uint16(m[4:]))
	d.foreign = netip.AddrPortFrom(addr(m[24:40]), be.Uint16(m[6:]))
	d.cookie = ne.Uint64(m[44:])
	s := &d.socket
	s.State, s.Retries = states[m[1]], uint64(m[3])
	if int(m[2]) < len(timers) {
		s.Timer = timers[m[2]]
	}
	s.Recv, s.Send, s.UID, s.Inode = uint64(ne.Uint32(m[56:])), uint64(ne.Uint32(m[60:])), int64(ne.Uint32(m[64:])), uint64(ne.Uint32(m[68:]))
	if s.Inode == 0 {
		s.UID = -1 // nobody's
	}
	return d, true
}
