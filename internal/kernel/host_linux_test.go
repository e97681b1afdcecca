package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A host is a network namespace with one interface, "eth0".
type host struct {
	t      *testing.T
	name   string
	addr   netip.Addr
	ns     netns.NsHandle
	nl     *netlink.Handle
	link   netlink.Link
	peer   *host
	faults int         // losses so far
	work   chan func() // run by the thread in the namespace
}

// The hosts' addresses (TEST-NET-1, RFC 5737).
var (
	clientAddr = netip.MustParseAddr("192.0.2.1")
	serverAddr = netip.MustParseAddr("192.0.2.2")
)

// newHosts builds two hosts with a wire between them, or skips the test.
func newHosts(t *testing.T) (client, server *host) {
	t.Helper()
	client, server = newHost(t, "client", clientAddr), newHost(t, "server", serverAddr)
	client.peer, server.peer = server, client
	must(t, client.nl.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: "eth0"},
		PeerName:  "eth0", PeerNamespace: netlink.NsFd(server.ns),
	}))
	client.plugIn()
	server.plugIn()
	client.release()
	server.release()
	return client, server
}

// newHost creates a namespace. A socket belongs to the namespace of the thread that
// opens it, so each host has a thread. It ends with its goroutine, which never
// unlocks it.
func newHost(t *testing.T, name string, addr netip.Addr) *host {
	t.Helper()
	h := &host{t: t, name: name, addr: addr, work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread()
		var err error
		h.ns, err = netns.New()
		made <- err
		for f := range h.work {
			f()
		}
	}()
	t.Cleanup(func() { close(h.work) })
	if err := <-made; errors.Is(err, os.ErrPermission) {
		t.Skipf("skipped: this system does not allow network namespaces: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.ns.Close() })
	nl, err := netlink.NewHandleAt(h.ns, unix.NETLINK_ROUTE, unix.NETLINK_INET_DIAG)
	must(t, err)
	t.Cleanup(nl.Close)
	h.nl = nl
	h.sysctl("net/ipv6/conf/default/disable_ipv6", "1") // no router solicitations among the frames
	h.sysctl("net/ipv4/conf/all/arp_ignore", "8")       // see hold
	return h
}

// plugIn gives the interface its address and brings it up.
func (h *host) plugIn() {
	h.t.Helper()
	link, err := h.nl.LinkByName("eth0")
	must(h.t, err)
	h.link = link
	must(h.t, h.nl.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: h.addr.AsSlice(), Mask: net.CIDRMask(24, 32)}}))
	must(h.t, h.nl.LinkSetUp(link))
	h.sysctl("net/ipv4/neigh/eth0/mcast_solicit", "60") // see hold
}

// inside runs f on the host's thread, so that what it opens belongs to the host.
func (h *host) inside(f func()) {
	done := make(chan struct{})
	h.work <- func() { defer close(done); f() }
	<-done
}

func (h *host) sysctl(name, value string) {
	h.t.Helper()
	h.inside(func() {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			h.t.Errorf("%s: %v", h.name, err)
		}
	})
}

// hold delays what the host sends without losing it: packets wait in the neighbour
// entry of a host whose link address is not known, and neither host answers ARP. So two hosts
// can send at the same time. Packets would be dropped after three questions, a second each: so
// many more are asked (see plugIn).
func (h *host) hold() {
	h.t.Helper()
	must(h.t, h.nl.NeighDel(h.neighbour()))
}

// release sends the host's packets.
func (h *host) release() {
	h.t.Helper()
	must(h.t, h.nl.NeighSet(h.neighbour()))
}

func (h *host) neighbour() *netlink.Neigh {
	return &netlink.Neigh{
		LinkIndex: h.link.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: h.peer.addr.AsSlice(), HardwareAddr: h.peer.link.Attrs().HardwareAddr,
	}
}

func (h *host) endpoint(port uint16) netip.AddrPort { return netip.AddrPortFrom(h.addr, port) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("the two hosts: %w", err))
	}
}
