package stats

import (
	"encoding/binary"
	"net/netip"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Answers are the SYN-ACKs of public addresses, and whether all of them look as if one device
// had sent them. Behind a VPN, a NAT that ends connections as VMware's does, or a proxy that
// intercepts them, every server in the world is one hop away and offers the same MSS.
type Answers struct {
	Conns uint64           // connections that such an address accepted
	First Answer           // what all SYN-ACKs share
	Mixed bool             // they do not: then nothing else in here matters
	Nets  [manyNets]uint64 // the lowest networks that answered, see network; 0 where there are no more
}

// manyNets is how many networks answer alike if one device does so for them: a service has
// addresses in two or three. Where no router has forwarded anything to a host with a private address,
// fewNets show it: what is on its link has none of them.
const (
	manyNets = 5
	fewNets  = 3
)

// An Answer is by what one host's SYN-ACKs differ from another's.
type Answer struct {
	TTL     uint8
	Refused reassembly.OptionBits // that the SYN offered, and the SYN-ACK has not
	MSS     uint16                // bytes
	Inside  bool                  // the client has a private address
}

// nets is how many networks must answer like this: systems start with a TTL of 64, 128 or 255, and
// more than one router may not have forwarded it.
func (a Answer) nets() int {
	switch a.TTL {
	case 64, 128, 255:
		if a.Inside {
			return fewNets
		}
		fallthrough
	case 63, 127, 254:
		return manyNets
	}
	return manyNets + 1
}

// Count counts a connection that a host has accepted.
func (a *Answers) Count(host reassembly.Endpoint, answer Answer) {
	net := network(host.AddrPort().Addr())
	if net == 0 || answer.TTL == 0 { // text has no TTL
		return
	}
	if a.Conns++; a.Conns == 1 {
		a.First = answer
	}
	a.Mixed = a.Mixed || a.First != answer
	a.insert(net)
}

// Differ notes a host whose segments come with more than one TTL: no one device makes them.
func (a *Answers) Differ(host reassembly.Endpoint) { a.Mixed = a.Mixed || IsPublic(host) }

// Add adds the answers of other connections of the trace.
func (a *Answers) Add(b *Answers) {
	a.Mixed = a.Mixed || b.Mixed || a.Conns > 0 && b.Conns > 0 && a.First != b.First
	if a.Conns == 0 {
		a.First = b.First
	}
	a.Conns += b.Conns
	for _, net := range b.Nets {
		if net != 0 {
			a.insert(net)
		}
	}
}

// insert keeps the lowest networks: it does not matter in which order they come.
func (a *Answers) insert(net uint64) {
	for i, n := range a.Nets {
		switch {
		case n == net:
			return
		case n == 0 || net < n:
			copy(a.Nets[i+1:], a.Nets[i:])
			a.Nets[i] = net
			return
		}
	}
}

// OneDevice reports whether one device seems to answer for all public addresses: hosts in so
// many networks are not all behind the same router and alike.
func (a *Answers) OneDevice() bool {
	n := a.First.nets()
	return !a.Mixed && n <= manyNets && a.Nets[n-1] != 0
}

// IsPublic reports whether an address is one of those that Answers are counted of.
func IsPublic(host reassembly.Endpoint) bool { return network(host.AddrPort().Addr()) != 0 }

// network is that of a public address: the first 16 bits of IPv4, the first 32, which a provider
// has, of IPv6; 0 of other addresses.
func network(a netip.Addr) uint64 {
	const v4, v6 = 1 << 32, 2 << 32
	switch b := a.As16(); {
	case !a.IsGlobalUnicast() || a.IsPrivate():
		return 0
	case a.Is4():
		return v4 | uint64(binary.BigEndian.Uint16(b[12:]))
	default:
		return v6 | uint64(binary.BigEndian.Uint32(b[:]))
	}
}
