package stats

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Hosts are when the hosts of a trace were last seen. Where captures were put over each other,
// as if all had begun at the same time, those of one are gone long before the trace ends, and their silence
// proves nothing.
type Hosts struct {
	Seen []Host // sorted; none if there are more than maxHosts
	Many bool   // there are
}

// A Host is an address, and the TTL of its packets: private addresses are given more than once.
type Host struct {
	Addr [16]byte
	TTL  uint8
	At   int64 // when it sent its last segment, nanoseconds since 1970
}

// maxHosts bounds them.
const maxHosts = 4096

func (h *Host) compare(o *Host) int {
	return cmp.Or(bytes.Compare(h.Addr[:], o.Addr[:]), cmp.Compare(h.TTL, o.TTL))
}

// Count counts a segment: the last that the end sent in a connection.
func (h *Hosts) Count(end reassembly.Endpoint, last *reassembly.Mark) {
	if last.At != 0 && !h.Many {
		h.count(Host{end.Addr, last.TTL, last.At})
	}
}

func (h *Hosts) count(x Host) {
	i, is := slices.BinarySearchFunc(h.Seen, x, func(a, b Host) int { return a.compare(&b) })
	switch {
	case is:
		h.Seen[i].At = max(h.Seen[i].At, x.At)
	case len(h.Seen) == maxHosts:
		h.Seen, h.Many = nil, true
	default:
		h.Seen = slices.Insert(h.Seen, i, x)
	}
}

// Add adds those of other connections of the trace.
func (h *Hosts) Add(o *Hosts) {
	if h.Many = h.Many || o.Many; h.Many {
		h.Seen = nil
		return
	}
	for _, x := range o.Seen {
		if h.count(x); h.Many {
			return
		}
	}
}

// LastOf is when a host was last seen; 0 if it is not known.
func (h *Hosts) LastOf(addr [16]byte, ttl uint8) int64 {
	i, is := slices.BinarySearchFunc(h.Seen, Host{Addr: addr, TTL: ttl}, func(a, b Host) int { return a.compare(&b) })
	if !is {
		return 0
	}
	return h.Seen[i].At
}

// Last is when any host was last seen.
func (h *Hosts) Last() (at int64) {
	for i := range h.Seen {
		at = max(at, h.Seen[i].At)
	}
	return at
}
