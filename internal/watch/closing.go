package watch

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// Nearly every connection closes in order, and detectors that skip an ordinary close
// ([detectors.Detector.SkipsClose]) would have a watcher on each. Instead a connection
// without other watchers has the record of its close, and its watchers are started from
// that if the close turns out to be no ordinary one.

// closingBit marks the number of a close among those of groups.
const closingBit uint32 = 1 << 31

// A closing is the close of one connection.
type closing struct {
	fsm.Close
	owner uint32 // the connection's ID in the table
}

// skipsClose reports whether any detector skips an ordinary close, and what starts the
// others.
func skipsClose(list []*detectors.Detector) (any bool, others fsm.Kinds) {
	for _, d := range list {
		if d.SkipsClose {
			any = true
		} else {
			others |= d.StartsOn
		}
	}
	return any, others
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
	return n | closingBit
}

// closingOf is the close that watches the connection, nil if watchers do.
func (s *Set) closingOf(watchers uint32) *closing {
	if watchers&closingBit == 0 {
		return nil
	}
	return s.closings.at(watchers &^ closingBit)
}

// opened are the watchers of a connection, started from the record of its close if that is
// all there is, with the events of the record.
func (s *Set) opened(watchers uint32, c fsm.View) uint32 {
	of := s.closingOf(watchers)
	if of == nil {
		return watchers
	}
	record := *of
	s.closings.free(watchers &^ closingBit)
	watchers = 0
	record.Events(c, &s.replay, &s.replayed, func() { watchers = s.deliver(watchers, record.owner, c, &s.replay) })
	return watchers
}

// Record is the record of the close of a connection without other watchers, nil if it has
// none; ok is false if it has watchers. The connection goes without while it is compacted.
func (s *Set) Record(watchers uint32) (of *fsm.Close, ok bool) {
	if c := s.closingOf(watchers); c != nil {
		return &c.Close, true
	}
	return nil, watchers == 0
}

// Drop forgets a record.
func (s *Set) Drop(watchers uint32) { s.closings.free(watchers &^ closingBit) }

// Restore adds a record that was dropped, for the connection with that ID.
func (s *Set) Restore(owner uint32, of *fsm.Close) (watchers uint32) {
	n := s.closings.alloc()
	*s.closings.at(n) = closing{Close: *of, owner: owner}
	return n | closingBit
}
