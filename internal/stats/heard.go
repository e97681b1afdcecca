package stats

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// A Span is a time in which things arrived at a host, in nanoseconds since 1970.
type Span struct{ From, To int64 }

const (
	// minGap is how long nothing must arrive for it to be remembered: no peer is called silent sooner.
	minGap = int64(10e9)

	// maxSpans is how many of a host are remembered.
	maxSpans = 128
)

// hear adds a time in which something arrived. The longer it all lasts, the longer nothing must arrive in between: so there are never
// too many, and what is remembered does not depend on the order in which they come.
func (h *Host) hear(s Span) {
	all := h.Heard
	i, _ := slices.BinarySearchFunc(all, s.From, func(x Span, at int64) int { return cmp.Compare(x.From, at) })
	if i > 0 && s.To <= all[i-1].To {
		return
	}
	all = sorting.Insert(all, i, s)
	gap := minGap
	for (max(all[len(all)-1].To, s.To)-all[0].From)/gap >= maxSpans {
		gap *= 2
	}
	h.Heard = join(all, gap)
}

// join joins spans in order that are less than gap apart.
func join(all []Span, gap int64) []Span {
	n := 1
	for _, s := range all[1:] {
		if last := &all[n-1]; s.From-last.To < gap {
			last.To = max(last.To, s.To)
		} else {
			all[n] = s
			n++
		}
	}
	return all[:n]
}

// Unreached reports whether no answer over TCP arrived at the address after from and until to, though it asked another host then, too, with which it
// was connected, and which is of another network than the peer. What arrived much later, in connections that began later, shows nothing
// of that time.
func (h *Hosts) Unreached(addr, peer [16]byte, from, to int64) bool {
	first, _ := find(h.Seen, &Host{Addr: addr})
	last := first
	for last < len(h.Seen) && h.Seen[last].Addr == addr {
		last++
	}
	hosts := h.Seen[first:last]
	heard := func(to int64) bool {
		return slices.ContainsFunc(hosts, func(x Host) bool {
			return slices.ContainsFunc(x.Heard, func(s Span) bool { return s.From <= to && s.To > from })
		})
	}
	return slices.ContainsFunc(hosts, func(x Host) bool {
		return slices.ContainsFunc(x.Vain, func(a Asked) bool {
			return !SameNetwork(a.Addr, peer) && a.At > from && !heard(max(to, a.At))
		})
	})
}
