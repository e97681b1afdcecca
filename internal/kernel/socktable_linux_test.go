package kernel

import (
	"errors"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A pair is one socket's address and its peer's.
type pair struct{ local, foreign netip.AddrPort }

func (p pair) String() string { return p.local.String() + " > " + p.foreign.String() }

// A table is what `ss -tan` prints: sockets and their states. CLOSED and LISTEN
// are left out: a tap sees neither.
type table map[pair]fsm.State

// stateOf is the kernel's numbers (include/net/tcp_states.h) in RFC names.
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
func (h *host) sockets() table {
	h.t.Helper()
	list, err := h.nl.SocketDiagTCP(unix.AF_INET)
	for errors.Is(err, netlink.ErrDumpInterrupted) {
		list, err = h.nl.SocketDiagTCP(unix.AF_INET)
	}
	must(h.t, err)
	t := table{}
	for _, s := range list {
		if state, ok := stateOf[s.State]; ok {
			local, _ := netip.AddrFromSlice(s.ID.Source)
			foreign, _ := netip.AddrFromSlice(s.ID.Destination)
			t[pair{
				netip.AddrPortFrom(local.Unmap(), s.ID.SourcePort),
				netip.AddrPortFrom(foreign.Unmap(), s.ID.DestinationPort),
			}] = state
		}
	}
	return t
}

// forget has a host lose its end of the connection without telling the peer, as
// after a power failure.
func (s *story) forget(h *host) {
	s.Helper()
	silenced := h.loses(leaving, anyRST)
	p := s.pair(h)
	must(s.T, h.nl.SocketDestroy(net.TCPAddrFromAddrPort(p.local), net.TCPAddrFromAddrPort(p.foreign)))
	silenced.mended()
}
