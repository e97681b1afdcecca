package detectors

import (
	"fmt"
	"net/netip"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Who speaks for a host whose address its segments have: a NAT that ends connections itself (those of VirtualBox, QEMU
// and VMware do), a proxy that intercepts them, or a VPN program is on the link of its client, and what it sends has
// passed no router.

// SpokenFor says why a device near the capture seems to answer for the side; "" if nothing shows that. No router has lowered
// the TTL of either side, so that both are on one link; but there the side's address can not be, or it is unlikely, and the
// SYN-ACK refuses all that the SYN offered, as the stacks of such NATs do. Where no SYN was captured, the side with the lower port is the server.
func (r *Report) SpokenFor(side reassembly.Side) string { return SpokenFor(r.Conn, side) }

// SpokenFor is the same of a connection.
func SpokenFor(v fsm.View, side reassembly.Side) string {
	peer := side.Peer()
	opener, known := v.Opener()
	last, far := v.Last(side), v.Last(peer)
	client := known && side == opener || !known && v.Endpoint(side).Port > v.Endpoint(peer).Port
	if client || last.At == 0 || far.At == 0 || v.IPHabits(side).VariesTTL || !fsm.Unrouted(last.TTL) || !fsm.Unrouted(far.TTL) {
		return ""
	}
	host, guest := v.Endpoint(side).AddrPort().Addr(), v.Endpoint(peer).AddrPort().Addr()
	switch {
	case !guest.IsPrivate() || !guest.Is4() || !host.Is4() || !host.IsGlobalUnicast() || shareNetwork(guest, host):
		return ""
	case !host.IsPrivate():
		return fmt.Sprintf(" Its segments have TTL %d, so no router has forwarded them, but its address is public: a NAT, proxy or VPN on this link seems to answer for it, and this may not be its doing.", last.TTL)
	case refusesAll(v, side):
		return fmt.Sprintf(" Its segments have TTL %d, so no router has forwarded them, though %s is in another network; and its SYN-ACK refused all options of the SYN but the MSS, as NATs do that end connections themselves "+
			"(VirtualBox, QEMU, VMware). One of these may have answered, and this may not be its doing.", last.TTL, guest)
	}
	return ""
}

// shareNetwork reports whether both addresses may be of one private network: those within 192.168.0.0/16 have 256
// addresses (RFC 1918 3), others may be large.
func shareNetwork(a, b netip.Addr) bool {
	bits := 16
	if a.As4()[0] == 192 {
		bits = 24
	}
	network, err := a.Prefix(bits)
	return err == nil && network.Contains(b)
}

// refusesAll reports whether the side's SYN-ACK has none of the options that all SYNs offer today, and its peer's SYN has.
func refusesAll(v fsm.View, side reassembly.Side) bool {
	const modern = reassembly.HasMSS | reassembly.HasScale | reassembly.HasSACKPermitted
	syn, asked := v.SYNOptions(side.Peer())
	answer, answered := v.SYNOptions(side)
	return asked && answered && v.Limits()&fsm.CutOptions == 0 && syn.Has&modern == modern && answer.Has&^reassembly.HasMSS == 0
}
