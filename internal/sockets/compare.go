package sockets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ss asks the kernel some time after the time before it was printed: with -p it first
// looks through /proc. And a frame may be captured a little before the kernel has seen it.
const (
	early = int64(100 * time.Millisecond)
	late  = int64(time.Second)
)

// A disagreement is one end of a connection in a state that the capture does not lead to.
type disagreement struct {
	flow     *result.Flow
	side     reassembly.Side
	kernel   fsm.State
	absent   bool // the kernel has no such socket
	ours     held
	at       int64 // of the first record that has it; 0 if unknown
	n        int   // records
	afterEnd int64 // by how much the record is later than the capture, nanoseconds
}

// held is a state of one end in the capture.
type held struct {
	state   fsm.State
	bounded bool
}

// during are the states that an end had from one time to another, and whether the capture
// shows all of them.
func (m *match) during(side reassembly.Side, from, to, timeWait int64) (states []held, known bool) {
	if len(m.changes) == 0 || to < m.changes[0].at {
		return nil, false
	}
	for i, c := range m.changes {
		end := int64(unbounded)
		if i+1 < len(m.changes) {
			end = m.changes[i+1].at
		}
		if end <= from || c.at > to {
			continue
		}
		h := held{c.state[side], c.bounded[side]}
		if h.state != fsm.TimeWait {
			states = append(states, h)
			continue
		}
		began := m.since(i, side)
		if began+timeWait > from {
			states = append(states, h)
		}
		if began+timeWait <= to {
			states = append(states, held{fsm.Closed, false})
		}
	}
	return states, from >= m.changes[0].at
}

// since is when the end entered the state that it has from change i on.
func (m *match) since(i int, side reassembly.Side) int64 {
	for i > 0 && m.changes[i-1].state[side] == m.changes[i].state[side] {
		i--
	}
	return m.changes[i].at
}

// span is the time in which the kernel was asked for a record. Without a time it is that
// of the whole capture.
func (l *Log) span(k int) (from, to int64) {
	t := l.times[k]
	if t.at == 0 {
		return 0, unbounded
	}
	to = t.at + t.resolution + late
	if k+1 < len(l.times) {
		to = max(t.at+t.resolution, min(to, l.times[k+1].at))
	}
	return t.at - early, to
}

// compare compares the state of a socket in one record with those of the capture.
func (j *Join) compare(all []disagreement, m *match, l *Log, k int, s *result.Socket) []disagreement {
	from, to := l.span(k)
	states, complete := m.during(s.Side, from, to, j.r.Options.TimeWait)
	if len(states) == 0 {
		return all
	}
	now := states[len(states)-1]
	for _, h := range states {
		if h.state == s.State || h.state == fsm.Closed && s.State == fsm.TimeWait {
			if s.Agrees != result.Disagree {
				s.Agrees, s.Ours, s.Bounded = result.Agree, h.state, h.bounded
			}
			return all
		}
	}
	if !complete && l.Dated { // it may be from before the first segment
		return all
	}
	if s.Agrees != result.Disagree {
		s.Agrees, s.Ours, s.Bounded = result.Disagree, now.state, now.bounded
	}
	return add(all, disagreement{flow: m.flow, side: s.Side, kernel: s.State, ours: now, at: l.times[k].at, n: 1, afterEnd: max(l.times[k].at-j.r.Trace.End, 0)})
}

// absent says that a record has no socket where the capture leads to one. TIME_WAIT and
// SYN_RECEIVED may be without: the kernel keeps a limited number of the first, and with
// SYN cookies none of the second. After the end of the capture it may have been closed.
func (j *Join) absent(all []disagreement, m *match, l *Log, k int, side reassembly.Side) []disagreement {
	from, to := l.span(k)
	if !l.Dated || l.Cut || to > j.r.Trace.End {
		return all
	}
	states, complete := m.during(side, from, to, j.r.Options.TimeWait)
	for _, h := range states {
		if h.state == fsm.Closed || h.state == fsm.TimeWait || h.state == fsm.SynReceived {
			return all
		}
	}
	if len(states) == 0 || !complete {
		return all
	}
	return add(all, disagreement{flow: m.flow, side: side, absent: true, ours: states[len(states)-1], at: l.times[k].at, n: 1})
}

// add counts a disagreement that goes on.
func add(all []disagreement, d disagreement) []disagreement {
	if n := len(all); n > 0 {
		if x := &all[n-1]; x.flow == d.flow && x.side == d.side && x.kernel == d.kernel && x.absent == d.absent && x.ours == d.ours {
			x.n++
			return all
		}
	}
	return append(all, d)
}
