package stats

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Hosts are when the hosts of a trace were last seen. Where captures were put over each other,
// as if all had begun at the same time, those of one are gone long before the trace ends, and their silence
// proves nothing.
type Hosts struct {
	Seen []Host // sorted; none if there are more than MaxHosts addresses
	Many bool   // there are

	// Relays are clients for whose servers a NAT or proxy seems to acknowledge, with the TTL of that; At is 0.
	Relays []Host
}

// A Host is an address, and the TTL of its packets: private addresses are given more than once.
type Host struct {
	Addr [16]byte
	TTL  uint8
	At   int64 // when it sent its last segment, nanoseconds since 1970

	Own  []OwnSegment `json:",omitempty"` // of these that are its own for sure, one in each step of time; in order
	Step uint8        `json:",omitempty"` // how long that is, see see

	Heard []Span  `json:",omitempty"` // when something arrived at it that it had asked for; in order
	Vain  []Asked `json:",omitempty"` // of two networks, the last hosts to which it sent again what they did not answer, though it was connected with them
}

// Asked is a host that was asked in vain, and when for the last time.
type Asked struct {
	Addr [16]byte
	At   int64
}

// later orders hosts that were asked in vain, the last first.
func (a Asked) later(b Asked) int {
	return cmp.Or(cmp.Compare(b.At, a.At), bytes.Compare(a.Addr[:], b.Addr[:]))
}

// latest adds what is known of the same host.
func (h *Host) latest(x *Host) {
	h.At = max(h.At, x.At)
	h.widen(x.Step)
	for _, s := range x.Own {
		h.see(s)
	}
	for _, s := range x.Heard {
		h.hear(s)
	}
	for _, a := range x.Vain {
		h.vain(a)
	}
}

// maxVain is of how many networks such hosts are remembered: one, and another than that.
const maxVain = 2

// SameNetwork reports whether the addresses may be of one network, behind one path: 16 bits of IPv4, or 32 of IPv6, are the same.
func SameNetwork(a, b [16]byte) bool {
	mapped := [12]byte{10: 0xff, 11: 0xff}
	if [12]byte(a[:12]) == mapped {
		return [14]byte(a[:14]) == [14]byte(b[:14])
	}
	return [4]byte(a[:4]) == [4]byte(b[:4])
}

func (h *Host) vain(a Asked) {
	all := slices.Clone(h.Vain)
	i := slices.IndexFunc(all, func(b Asked) bool { return SameNetwork(a.Addr, b.Addr) })
	if i < 0 {
		i, all = len(all), append(all, a)
	} else if a.later(all[i]) < 0 {
		all[i] = a
	}
	for ; i > 0 && all[i].later(all[i-1]) < 0; i-- {
		all[i-1], all[i] = all[i], all[i-1]
	}
	h.Vain = all[:min(len(all), maxVain)]
}

// MaxHosts is of how many addresses is known when they were last seen.
const MaxHosts = 4096

// before reports whether a host comes before another: by address, then by TTL.
func (h *Host) before(o *Host) bool {
	for _, half := range [2]int{0, 8} {
		if x, y := binary.BigEndian.Uint64(h.Addr[half:]), binary.BigEndian.Uint64(o.Addr[half:]); x != y {
			return x < y
		}
	}
	return h.TTL < o.TTL
}

// Count counts a connection of the end: the last segment that it sent, and which are its own, when answers came to it,
// and the peer, if the end sent it something again that it has not answered.
func (h *Hosts) Count(end reassembly.Endpoint, last *reassembly.Mark, own []OwnSegment, heard Span, peer *[16]byte) {
	x := Host{Addr: end.Addr, TTL: last.TTL, At: last.At, Own: own}
	if last.At == 0 {
		return
	}
	host := h.add(&h.Seen, x)
	if host == nil {
		return
	}
	if heard.To != 0 {
		host.hear(heard)
	}
	if peer != nil {
		host.vain(Asked{Addr: *peer, At: last.At})
	}
}

// Relay counts a connection in which something acknowledges for the client's server; last is the last
// segment with the server's address.
func (h *Hosts) Relay(client reassembly.Endpoint, last *reassembly.Mark) {
	h.add(&h.Relays, Host{Addr: client.Addr, TTL: last.TTL})
}

// add adds what is known of a host. It returns the host in the list, nil if there are too many.
func (h *Hosts) add(list *[]Host, x Host) *Host {
	i, is := find(*list, &x)
	switch {
	case h.Many:
		return nil
	case is:
		(*list)[i].latest(&x)
	case len(*list) >= MaxHosts && full(*list, i, x):
		h.Seen, h.Relays, h.Many = nil, nil, true
		return nil
	default:
		*list = sorting.Insert(*list, i, Host{Addr: x.Addr, TTL: x.TTL})
		(*list)[i].latest(&x) // which copies what is changed in place
	}
	return &(*list)[i]
}

// full reports whether the list has as many addresses as it may, and x, which belongs at i, is one more.
func full(list []Host, i int, x Host) bool {
	if i > 0 && list[i-1].Addr == x.Addr || i < len(list) && list[i].Addr == x.Addr {
		return false
	}
	n := 1
	for k := range list[1:] {
		if list[k].Addr != list[k+1].Addr {
			n++
		}
	}
	return n == MaxHosts
}

// find is where the host is, or belongs. It takes a quarter of the instructions of slices.BinarySearchFunc, which copies both hosts to
// compare them.
func find(list []Host, x *Host) (i int, is bool) {
	for n := len(list); i < n; {
		if m := int(uint(i+n) / 2); list[m].before(x) {
			i = m + 1
		} else {
			n = m
		}
	}
	return i, i < len(list) && list[i].Addr == x.Addr && list[i].TTL == x.TTL
}

// Add adds those of other connections of the trace.
func (h *Hosts) Add(o *Hosts) {
	if h.Many = h.Many || o.Many; h.Many {
		h.Seen, h.Relays = nil, nil
		return
	}
	for _, x := range o.Seen {
		h.add(&h.Seen, x)
	}
	for _, x := range o.Relays {
		h.add(&h.Relays, x)
	}
}

// LastOf is when a host was last seen; 0 if it is not known.
func (h *Hosts) LastOf(addr [16]byte, ttl uint8) int64 {
	i, is := find(h.Seen, &Host{Addr: addr, TTL: ttl})
	if !is {
		return 0
	}
	return h.Seen[i].At
}

// Relayed reports whether something with that TTL acknowledges for servers of the client.
func (h *Hosts) Relayed(client [16]byte, ttl uint8) bool {
	_, is := find(h.Relays, &Host{Addr: client, TTL: ttl})
	return is
}

// Last is when any host was last seen.
func (h *Hosts) Last() (at int64) {
	for i := range h.Seen {
		at = max(at, h.Seen[i].At)
	}
	return at
}
