package tracegen

import (
	"encoding/binary"
	"net/netip"
)

// A host is one end in the network layer.
type host struct {
	mac  [6]byte
	addr netip.Addr
	port uint16
	ttl  uint8 // at the tap
}

func (h *host) addrPort() netip.AddrPort { return netip.AddrPortFrom(h.addr, h.port) }

// The ranges reserved for benchmarks: RFC 2544 (198.18.0.0/15) and RFC 5180
// (2001:2::/48).
var (
	clientNet4 = [4]byte{198, 18}
	serverNet4 = [4]byte{198, 19}
	clientNet6 = [16]byte{0x20, 0x01, 0x00, 0x02, 0, 0, 0, 1}
	serverNet6 = [16]byte{0x20, 0x01, 0x00, 0x02, 0, 0, 0, 2}
)

const (
	clientHosts = 1 << 14
	serverHosts = 64
	// Linux's range of ephemeral ports.
	firstPort = 32768
	portCount = 61000 - firstPort
)

// clientHost is the client of the n-th connection. Four-tuples repeat only after
// 460 million connections.
func clientHost(n int64, v6 bool, ttl uint8) host {
	i := uint16(n * 5279 % clientHosts) // odd: all hosts in a seemingly random order
	generation := n / clientHosts
	return host{
		mac:  [6]byte{2, 0, 0, 0, 0, 1}, // of the router
		addr: address(clientNet4, clientNet6, i, v6),
		port: uint16(firstPort + (generation+int64(i)*7)%portCount),
		ttl:  ttl,
	}
}

// serverHost is the i-th server, with a service on port.
func serverHost(i uint16, v6 bool, port uint16) host {
	return host{
		mac:  [6]byte{2, 0, 0, 1, byte(i >> 8), byte(i)},
		addr: address(serverNet4, serverNet6, i, v6),
		port: port,
		ttl:  64,
	}
}

// address is the address of the i-th host in a network.
func address(net4 [4]byte, net6 [16]byte, i uint16, v6 bool) netip.Addr {
	if v6 {
		binary.BigEndian.PutUint16(net6[14:], i+1)
		return netip.AddrFrom16(net6)
	}
	binary.BigEndian.PutUint16(net4[2:], i+1)
	return netip.AddrFrom4(net4)
}
