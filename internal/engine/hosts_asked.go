package engine

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// hostsAt is what hostsOf says of these addresses. Of most connections only who their ends are is looked at, and that
// only if an end may be one of them.
func hostsAt(parts []*partition, asked map[[16]byte]bool) (h stats.Hosts) {
	var compact flow.Addresses
	for _, p := range parts {
		p.flows.CompactAddresses(&compact)
	}
	switch {
	case compact.AtLeast() > stats.MaxHosts:
		return stats.Hosts{Many: true}
	case !mayHaveSeen(parts, asked, &compact):
		return h
	}
	all := new(addresses)
	var some flow.Addresses // asked, and a few more
	for addr := range asked {
		some.Add(addr)
	}
	asks := func(e *reassembly.Endpoint) bool { return some.MayHave(e.Addr) && asked[e.Addr] }
	count := func(f *flow.Flow) {
		for side := range reassembly.Side(2) {
			if end := f.Conn.Endpoint(side); asks(&end) {
				countHost(&h, f, side)
			}
		}
	}
	for _, p := range parts {
		for _, f := range p.flows.Uncompacted {
			for side := range reassembly.Side(2) {
				if end := f.Conn.Endpoint(side); f.Conn.View().Last(side).At != 0 {
					all.add(&end.Addr)
				}
			}
			count(f)
		}
		p.flows.CompactsWith(func(ends *[2]reassembly.Endpoint) (wanted, more bool) { // both of which have sent something
			all.add(&ends[0].Addr)
			all.add(&ends[1].Addr)
			return asks(&ends[0]) || asks(&ends[1]), all.n <= stats.MaxHosts
		}, count)
	}
	if all.n > stats.MaxHosts {
		return stats.Hosts{Many: true}
	}
	return h
}

// mayHaveSeen reports whether one of the addresses sent something, as far as that is quickly found out.
func mayHaveSeen(parts []*partition, asked map[[16]byte]bool, compact *flow.Addresses) bool {
	for addr := range asked {
		if compact.MayHave(addr) {
			return true
		}
	}
	for _, p := range parts {
		for _, f := range p.flows.Uncompacted {
			for side := range reassembly.Side(2) {
				if asked[f.Conn.Endpoint(side).Addr] && f.Conn.View().Last(side).At != 0 {
					return true
				}
			}
		}
	}
	return false
}

// addresses are a set of one address more than stats.MaxHosts: what comes then is not added. All ends of a trace are added, and a
// map takes four times as long.
type addresses struct {
	slots [2 * stats.MaxHosts]struct {
		addr [16]byte
		used bool
	}
	n int
}

func (a *addresses) add(addr *[16]byte) {
	const golden = 0x9e3779b97f4a7c15 // as in flow.Addresses
	hi, lo := binary.BigEndian.Uint64(addr[:]), binary.BigEndian.Uint64(addr[8:])
	for i := (hi*golden ^ lo) * golden >> 48; ; i++ {
		s := &a.slots[i%uint64(len(a.slots))]
		if !s.used {
			if a.n <= stats.MaxHosts {
				s.addr, s.used = *addr, true
				a.n++
			}
			return
		}
		if binary.BigEndian.Uint64(s.addr[8:]) == lo && binary.BigEndian.Uint64(s.addr[:]) == hi {
			return
		}
	}
}
