package watch

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// Nearly every connection closes in order, and detectors that skip an ordinary close
// ([detectors.Detector.SkipsClose]) would have a watcher on each. Instead a connection
// has the record of its close, beside other watchers or alone, and theirs are started from
// that if the close turns out to be no ordinary one.

// closingBit marks the number of a close that is alone among those of groups.
const closingBit uint32 = 1 << 31

// A closing is the close of one connection.
type closing struct {
	fsm.Close
	owner   uint32 // the connection's ID in the table
	grouped bool   // it is that of a group
}

// due is when the close has to be watched, 0 if it is over.
func (c *closing) due() int64 {
	if c.Over() {
		return 0
	}
	return c.Until()
}

// skipsClose notes which detectors skip an ordinary close.
func (s *Set) skipsClose(list []*detectors.Detector) {
	for _, d := range list {
		if d.SkipsClose {
			s.skips = true
			s.closes |= d.StartsOn
			s.heard |= d.StartsOn | d.SubscribesTo
		} else {
			s.others |= d.StartsOn
		}
	}
	s.closes &^= s.others
}

// close begins the record of a close; 0 if there is more to the segment than that.
func (s *Set) close(owner uint32, ev *fsm.Events) uint32 {
	n := s.closings.alloc()
	c := s.closings.at(n)
	c.owner = owner
	if !c.Begin(ev) {
		s.closings.free(n)
		return 0
	}
	return n
}

// noteClose adds the events to the record of the group's close, or has the close watched. It begins the record with
// a FIN.
func (s *Set) noteClose(watchers, owner uint32, c fsm.View, ev *fsm.Events) {
	g := s.groups.at(watchers)
	switch {
	case g.closing != 0:
		if ev.Kinds != 0 && (ev.Kinds&s.others != 0 || !s.closings.at(g.closing).Note(ev, &s.closeRoom)) {
			s.opened(watchers, c)
		}
	case s.skips && ev.Kinds&s.others == 0 && g.started&s.closes == 0:
		s.join(watchers, s.close(owner, ev))
	}
}

// newGroup is a group without watchers, that has the record of a close if there is one alone.
func (s *Set) newGroup(alone uint32) (watchers uint32) {
	watchers = s.groups.alloc()
	s.join(watchers, alone&^closingBit)
	return watchers
}

// join gives a group the record of a close, unless that is 0. As long as it has that, nobody is started who skips an
// ordinary close.
func (s *Set) join(watchers, closing uint32) {
	if closing == 0 {
		return
	}
	g, of := s.groups.at(watchers), s.closings.at(closing)
	of.grouped = true
	g.closing, g.started = closing, g.started|s.closes
	g.setDue(of.due())
}

// closingOf is the record of the connection's close, nil if there is none.
func (s *Set) closingOf(watchers uint32) *closing {
	n := watchers &^ closingBit
	if n == watchers && n != 0 {
		n = s.groups.at(n).closing
	}
	if n == 0 {
		return nil
	}
	return s.closings.at(n)
}

// opened are the watchers of a connection, those who skip an ordinary close started from the record of
// that if there is one, with the events of the record.
func (s *Set) opened(watchers uint32, c fsm.View) uint32 {
	of := s.closingOf(watchers)
	if of == nil {
		return watchers
	}
	record := *of
	of.Close = fsm.Close{} // its room for more steps goes on to the copy
	if watchers&closingBit != 0 {
		s.freeClosing(watchers &^ closingBit)
		watchers = 0
	} else {
		g := s.groups.at(watchers)
		s.freeClosing(g.closing)
		g.closing, g.started = 0, g.started&^s.closes
	}
	record.Events(c, &s.replay, &s.replayed, func() { watchers = s.deliver(watchers, record.owner, c, &s.replay, true) })
	s.closeRoom.Take(&record.Close)
	return watchers
}

// Rest takes away who has nothing to watch any more of a connection that has closed, and returns who watches it then: something
// may start them again.
func (s *Set) Rest(watchers uint32, c fsm.View) uint32 {
	if watchers == 0 || watchers&closingBit != 0 || s.Withdraw != nil || s.Eager {
		return watchers
	}
	g := s.groups.at(watchers)
	last := uint32(0)
	for n, w := range s.each(watchers) {
		d := w.detector
		switch next := w.next; {
		case !w.Leave(s.about(w, c)):
			last = n
			continue
		case last == 0:
			g.first = next
		default:
			s.watchers.at(last).next = next
		}
		g.started &^= s.startsOn[d]
		s.watchers.free(n)
	}
	if g.last = last; last != 0 {
		return watchers
	}
	closing := g.closing
	if s.groups.free(watchers); closing == 0 {
		return 0
	}
	s.closings.at(closing).grouped = false
	return closing | closingBit
}

// Record is the record of the close of a connection without other watchers, nil if it has
// none; ok is false if it has watchers. The connection goes without while it is compacted.
func (s *Set) Record(watchers uint32) (of *fsm.Close, ok bool) {
	if watchers&closingBit != 0 {
		return &s.closingOf(watchers).Close, true
	}
	return nil, watchers == 0
}

// Drop forgets a record.
func (s *Set) Drop(watchers uint32) { s.freeClosing(watchers &^ closingBit) }

// freeClosing frees a record.
func (s *Set) freeClosing(n uint32) {
	s.closeRoom.Take(&s.closings.at(n).Close)
	s.closings.free(n)
}

// Restore adds a record that was dropped, for the connection with that ID.
func (s *Set) Restore(owner uint32, of *fsm.Close) (watchers uint32) {
	n := s.closings.alloc()
	*s.closings.at(n) = closing{Close: *of, owner: owner}
	return n | closingBit
}
