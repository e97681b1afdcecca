package sockets

import (
	"cmp"
	"slices"
	"sort"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Join adds what logs say to the connections of a report, which lists all of them. In
// between, the states of these connections over time come from a second reading.
type Join struct {
	r       *result.Report
	logs    []*Log
	matches map[uint64]*match // by Flow.Conn
	joined  map[tuple]bool    // of the logs
}

// A match is a connection of which a log may know an end.
type match struct {
	flow    *result.Flow
	next    int64 // when the next connection of the four-tuple began
	changes []change
}

// A change is what the states of both ends became.
type change struct {
	at      int64
	state   [2]fsm.State
	bounded [2]bool
}

// NewJoin finds the connections that the logs may know.
func NewJoin(r *result.Report, logs []*Log) *Join {
	j := &Join{r: r, logs: logs, matches: map[uint64]*match{}, joined: map[tuple]bool{}}
	last := map[tuple]*match{}
	for i := range r.Flows {
		f := &r.Flows[i]
		if !slices.ContainsFunc(logs, func(l *Log) bool { return l.local[f.End[0].Addr] || l.local[f.End[1].Addr] || l.accepts(f) }) {
			continue
		}
		m := &match{flow: f, next: unbounded}
		j.matches[f.Conn] = m
		for side := range reassembly.Side(2) {
			t := tuple{f.End[side], f.End[side.Peer()]}
			if before := last[t]; before != nil && f.First > before.flow.First {
				before.next = f.First
			}
			last[t] = m
		}
	}
	return j
}

// Conns are the connections whose states are needed.
func (j *Join) Conns() map[uint64]bool {
	conns := make(map[uint64]bool, len(j.matches))
	for conn := range j.matches {
		conns[conn] = true
	}
	return conns
}

// maxChanges bounds what is remembered of one connection: there are eleven states, and a
// RST that was ignored takes one back.
const maxChanges = 64

// Step is given every segment of these connections, in order.
func (j *Join) Step(s result.Step) {
	m := j.matches[s.Conn]
	if m == nil {
		return
	}
	n := len(m.changes)
	if n > 0 && m.changes[n-1].state == s.State && m.changes[n-1].bounded == s.Bounded {
		return
	}
	if n == maxChanges {
		m.changes = slices.Delete(m.changes, 0, 1)
	}
	m.changes = append(m.changes, change{s.Seg.At, s.State, s.Bounded})
}

// Close adds the sockets to the connections and to the findings, and notes to the report.
func (j *Join) Close() {
	var all []disagreement
	for i := range j.r.Flows {
		if m := j.matches[j.r.Flows[i].Conn]; m != nil {
			for _, l := range j.logs {
				all = append(all, j.ends(m, l)...)
			}
		}
	}
	for i := range j.r.Findings {
		f := &j.r.Findings[i]
		f.Sockets = nearest(f.Flow.Sockets, f.End)
	}
	j.note(all)
}

// nearest picks of the sockets of a connection those of about one time, one for each end.
func nearest(all []result.Socket, at int64) (nearest []result.Socket) {
	for side := range reassembly.Side(2) {
		var best *result.Socket
		for i := range all {
			if s := &all[i]; s.Side == side && (best == nil || distance(s, at) <= distance(best, at)) {
				best = s
			}
		}
		if best != nil {
			nearest = append(nearest, *best)
		}
	}
	return nearest
}

// distance is how far a time is from those at which the kernel was asked.
func distance(s *result.Socket, at int64) int64 {
	return max(s.At-at, at-max(s.At, s.Until), 0)
}

// accepts reports whether the log has a socket that accepts connections at the end of the
// connection that did not open it.
func (l *Log) accepts(f *result.Flow) bool {
	_, is := l.listener(f)
	return is
}

func (l *Log) listener(f *result.Flow) (s result.Socket, is bool) {
	if f.Initiator == result.InitiatorUnknown {
		return s, false
	}
	side := reassembly.Side(f.Initiator - result.InitiatorA).Peer()
	e, is := l.listens[f.End[side]]
	if !is {
		if !l.local[f.End[side].Addr] { // any address, of any host
			return s, false
		}
		e, is = l.listens[reassembly.Endpoint{Port: f.End[side].Port}]
	}
	s = e.socket
	s.Side, s.At, s.Until = side, l.times[e.first].at, l.times[e.last].at
	return s, is
}

// life is the range of records that were taken during the connection.
func (m *match) life(l *Log) (from, to int) {
	if !l.Dated {
		if m.next == unbounded { // of several with the same four-tuple, the last
			return 0, len(l.times)
		}
		return 0, 0
	}
	begin := m.flow.First - early
	if m.flow.Limits&fsm.Midstream != 0 && m.flow.Predecessor.Conn == 0 {
		begin = 0
	}
	from = sort.Search(len(l.times), func(i int) bool { return l.times[i].at >= begin })
	to = sort.Search(len(l.times), func(i int) bool { return l.times[i].at >= m.next })
	return from, max(from, to)
}

// maxSockets bounds what one end gets of one log: the first, and the last ones.
const maxSockets = 32

// ends adds what the log says about both ends, and returns where it disagrees.
func (j *Join) ends(m *match, l *Log) (all []disagreement) {
	from, to := m.life(l)
	found := false
	for side := range reassembly.Side(2) {
		t := tuple{m.flow.End[side], m.flow.End[side.Peer()]}
		known := map[int]bool{} // the records that have the socket
		n := len(m.flow.Sockets)
		for _, e := range l.seen[t] {
			first, last := max(e.first, from), min(e.last, to-1)
			if first > last {
				continue
			}
			s := e.socket
			s.Side, s.At, s.Until = side, l.times[first].at, l.times[last].at
			for k := first; k <= last; k++ {
				known[k] = true
				all = j.compare(all, m, l, k, &s)
			}
			if len(m.flow.Sockets)-n == maxSockets {
				m.flow.Sockets = slices.Delete(m.flow.Sockets, n+1, n+2)
			}
			m.flow.Sockets = append(m.flow.Sockets, s)
		}
		found = found || len(known) > 0
		if len(known) > 0 {
			j.joined[t] = true
		}
		if l.local[t.local.Addr] && l.ports[t.local.Port] {
			for k := from; k < to; k++ {
				if !known[k] {
					all = j.absent(all, m, l, k, side)
				}
			}
		}
	}
	if s, is := l.listener(m.flow); is && !found {
		m.flow.Sockets = append(m.flow.Sockets, s)
	}
	sorting.Stable(m.flow.Sockets, func(a, b result.Socket) int { return cmp.Or(cmp.Compare(a.Side, b.Side), cmp.Compare(a.At, b.At)) })
	return all
}
