package stats

import (
	"cmp"
	"slices"
)

// A Span is a time in which things arrived at a host, in nanoseconds since 1970.
type Span struct{ From, To int64 }

const (
	// minGap is how long nothing must arrive for it to be remembered: no peer is called silent sooner.
	minGap = int64(10e9)

	// maxSpans is how many of a host are remembered.
	maxSpans = 16
)

// hear adds a time in which something arrived. Where there are too many, the shortest time without is forgotten.
func (h *Host) hear(s Span) {
	all := append(slices.Clone(h.Heard), s)
	slices.SortFunc(all, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	all = join(all, minGap)
	if len(all) > maxSpans {
		shortest := all[1].From - all[0].To
		for i := range all[2:] {
			shortest = min(shortest, all[i+2].From-all[i+1].To)
		}
		all = join(all, shortest+1)
	}
	h.Heard = all
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

// Unreached reports whether no answer arrived at the address after from and until to, though it asked another host then, too, with which it
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
			return !sameNetwork(a.Addr, peer) && a.At > from && !heard(max(to, a.At))
		})
	})
}
