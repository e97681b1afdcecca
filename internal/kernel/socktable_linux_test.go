package kernel

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// stateOf maps the kernel's numbers (include/net/tcp_states.h) to the names of the
// RFC, without CLOSE and LISTEN.
var stateOf = map[uint8]fsm.State{
	netlink.TCP_ESTABLISHED: fsm.Established,
	netlink.TCP_SYN_SENT:    fsm.SynSent,
	netlink.TCP_SYN_RECV:    fsm.SynReceived,
	netlink.TCP_FIN_WAIT1:   fsm.FinWait1,
	netlink.TCP_FIN_WAIT2:   fsm.FinWait2,
	netlink.TCP_TIME_WAIT:   fsm.TimeWait,
	netlink.TCP_CLOSE_WAIT:  fsm.CloseWait,
	netlink.TCP_LAST_ACK:    fsm.LastAck,
	netlink.TCP_CLOSING:     fsm.Closing,
	netlink.TCP_NEW_SYN_REC: fsm.SynReceived,
}

// sockets asks the host's kernel for its TCP sockets (sock_diag(7)).
func (h *host) sockets() (entries []entry) {
	h.t.Helper()
	list, err := h.nl.SocketDiagTCP(unix.AF_INET)
	for errors.Is(err, netlink.ErrDumpInterrupted) {
		list, err = h.nl.SocketDiagTCP(unix.AF_INET)
	}
	must(h.t, err)
	for _, s := range list {
		if state, ok := stateOf[s.State]; ok {
			entries = append(entries, entry{
				Local:   addrPort(s.ID.Source, s.ID.SourcePort),
				Foreign: addrPort(s.ID.Destination, s.ID.DestinationPort),
				State:   state.String(),
			})
		}
	}
	return entries
}

func addrPort(ip net.IP, port uint16) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), port)
}

// forget removes a host's socket without sending anything, as after a power failure.
func (s *testRun) forget(h *host) {
	s.Helper()
	silenced := h.loses(leaving, anyRST)
	end := s.entryOf(h, new(moment))
	must(s.T, h.nl.SocketDestroy(net.TCPAddrFromAddrPort(end.Local), net.TCPAddrFromAddrPort(end.Foreign)))
	silenced.repair()
}
