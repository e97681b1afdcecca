package watch

import (
	"iter"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Set holds the watchers of one partition's connections. Who watches a connection
// is a number that is kept with the connection; 0 is nobody.
type Set struct {
	// Timers are the connections that became half closed a moment ago.
	Timers HalfCloses
	// Unlisted counts the findings that are not listed.
	Unlisted Counts
	// Withdraw, if it is not nil, is given each finding that Changes has reported and that
	// does not stand any more, at the latest when its connection ends. omitted says that it
	// does, but is left out because the connection has too many. Such a set reports findings
	// in full when they are found, however many there are.
	Withdraw func(a Anchor, omitted bool)
	// Eager has findings written as they are found; for tests.
	Eager bool

	detectors []*detectors.Detector
	report    *detectors.Report // that all watchers are given, see about
	starts    fsm.Kinds         // what starts a watcher, over all detectors
	startsOn  []fsm.Kinds       // what starts one of each
	groups    slab[group]
	watchers  slab[watcher]
	shown     map[uint32][]Anchor // by watcher: of its findings that stood when Changes was last called
	closings  slab[closing]
	closeRoom fsm.CloseRoom
	skips     bool                 // a detector skips an ordinary close
	others    fsm.Kinds            // what starts the detectors that do not
	closes    fsm.Kinds            // what starts only those that do
	heard     fsm.Kinds            // what starts those, or they subscribe to
	replay    fsm.Events           // of a close
	replayed  reassembly.Segment   // that of these
	standing  []Found              // of the connection that ends
	rooms     []room               // for findings, by detector
	shorts    []*detectors.Finding // that are shared
	err       error                // of a detector
}

// A group is the watchers of one connection, in the order in which they started: a list by
// their numbers in the slab, which leaves nothing behind when it grows.
type group struct {
	first, last uint32
	owner       uint32            // the connection's ID in the table
	closing     uint32            // the record of its close; 0 = none
	started     fsm.Kinds         // of which all watchers run that they start
	subscribed  [2]fsm.Kinds      // to what any of them subscribes, by the side of the event
	reach       [2]reassembly.Seq // how far SACK reaches, by side: see detectors.Report
	due         int64             // earliest deadline; 0 = none
	drafted     bool              // one of them has drafted what rests on the connection as it is
}

type watcher struct {
	detectors.Run
	next     uint32 // of its group; 0 = it is the last
	detector uint16 // index into Set.detectors
	counted  uint16 // how many of its findings are in its detector's room
	passed   int64  // its latest deadline that has passed since it was given events
}

// NewSet makes a set without watchers.
func NewSet(list []*detectors.Detector, settings *detectors.Settings) Set {
	s := Set{detectors: list, report: detectors.NewReport(settings), rooms: make([]room, len(list)), Unlisted: Counts{}}
	for _, d := range list {
		s.starts |= d.StartsOn
		s.startsOn = append(s.startsOn, d.StartsOn)
	}
	s.skipsClose(list)
	return s
}

// Reset forgets everything, for connections of another trace.
func (s *Set) Reset() {
	s.groups.reset()
	s.watchers.reset()
	s.closings.reset()
	s.closeRoom = fsm.CloseRoom{}
	s.Timers, s.err = HalfCloses{}, nil
	clear(s.rooms)
	clear(s.Unlisted)
	clear(s.shown)
}

// Release gives back the memory of watchers, when every connection has ended. What was counted stays.
func (s *Set) Release() {
	s.groups, s.watchers, s.closings = slab[group]{}, slab[watcher]{}, slab[closing]{}
	s.closeRoom, s.standing, s.shown, s.shorts = fsm.CloseRoom{}, nil, nil, nil
}

// Err is an error of a detector itself: it used an outcome that it does not declare.
func (s *Set) Err() error { return s.err }

// Starts are the kinds of event that start a watcher: others concern only connections
// that have one.
func (s *Set) Starts() fsm.Kinds { return s.starts }

// Deliver gives events to those who subscribe to them, and starts the watchers that
// they call for. It returns who watches the connection from now on. owner is the
// connection's ID in the table.
func (s *Set) Deliver(watchers, owner uint32, c fsm.View, ev *fsm.Events) uint32 {
	if watchers != 0 && watchers&closingBit == 0 {
		if g := s.groups.at(watchers); g.closing == 0 && ev.Kinds&(s.starts&^g.started|1<<fsm.FinSent) == 0 { // with loss, nearly always
			s.give(g, c, ev, false)
			return watchers
		}
	}
	switch {
	case watchers&closingBit != 0:
		if ev.Kinds == 0 || ev.Kinds&s.others == 0 && s.closingOf(watchers).Note(ev, &s.closeRoom) {
			return watchers
		}
		watchers = s.opened(watchers, c)
	case watchers == 0 && s.skips && ev.Kinds.Has(fsm.FinSent) && ev.Kinds&s.others == 0:
		if n := s.close(owner, ev); n != 0 {
			return n | closingBit
		}
	case watchers != 0 && (ev.Kinds.Has(fsm.FinSent) || s.groups.at(watchers).closing != 0):
		s.noteClose(watchers, owner, c, ev)
	}
	return s.deliver(watchers, owner, c, ev, false)
}

// deliver is Deliver without the record of a close. skipping says that the events are only for those who skip
// an ordinary close: the others had them.
func (s *Set) deliver(watchers, owner uint32, c fsm.View, ev *fsm.Events, skipping bool) uint32 {
	if ev.Kinds&s.starts&^s.started(watchers) != 0 {
		watchers = s.start(watchers, owner, c, ev.Kinds)
	}
	if watchers == 0 {
		return 0
	}
	s.give(s.groups.at(watchers), c, ev, skipping)
	return watchers
}

// started are the kinds of event that start no watcher besides those of the group.
func (s *Set) started(watchers uint32) fsm.Kinds {
	if watchers == 0 {
		return 0
	}
	return s.groups.at(watchers).started
}

// start starts the watchers that the kinds call for and that do not run yet.
func (s *Set) start(watchers, owner uint32, c fsm.View, kinds fsm.Kinds) uint32 {
	var declined fsm.Kinds
	s.report.SetReadAtEnd(s.Withdraw == nil && !s.Eager)
	for i, on := range s.startsOn {
		if on&kinds == 0 || s.has(watchers, i) {
			continue
		}
		n := s.watchers.alloc()
		d := s.detectors[i]
		w := s.watchers.at(n)
		w.detector = uint16(i)
		if !w.Start(s.about(w, c)) {
			s.watchers.free(n)
			declined |= on
			continue
		}
		if watchers == 0 || watchers&closingBit != 0 {
			watchers = s.newGroup(watchers)
		}
		g := s.groups.at(watchers)
		s.append(g, n)
		g.owner = owner
		g.subscribed[0] |= d.SubscribesTo
		g.subscribed[1] |= d.SubscribesTo
		g.setDue(w.Next())
	}
	if watchers != 0 && watchers&closingBit == 0 {
		s.groups.at(watchers).started |= kinds &^ declined
	}
	return watchers
}

// about is the report for the watcher of the connection, while it is called.
func (s *Set) about(w *watcher, c fsm.View) *detectors.Report {
	return s.report.About(&w.Run, s.detectors[w.detector], c)
}

// append adds a watcher to the group.
func (s *Set) append(g *group, n uint32) {
	if g.first == 0 {
		g.first = n
	} else {
		s.watchers.at(g.last).next = n
	}
	g.last = n
}

// release frees the group and its watchers.
func (s *Set) release(watchers uint32) {
	for n := range s.each(watchers) {
		delete(s.shown, n)
		s.watchers.free(n)
	}
	if n := s.groups.at(watchers).closing; n != 0 {
		s.freeClosing(n)
	}
	s.groups.free(watchers)
}

// has reports whether the detector has a watcher in the group.
func (s *Set) has(watchers uint32, detector int) bool {
	if watchers == 0 || watchers&closingBit != 0 {
		return false
	}
	for _, w := range s.each(watchers) {
		if int(w.detector) == detector {
			return true
		}
	}
	return false
}

// each goes through the watchers of a group, by their numbers.
func (s *Set) each(watchers uint32) iter.Seq2[uint32, *watcher] {
	return func(yield func(uint32, *watcher) bool) {
		for n := s.groups.at(watchers).first; n != 0; {
			w := s.watchers.at(n)
			next := w.next
			if !yield(n, w) {
				return
			}
			n = next
		}
	}
}

// Deaf reports whether events of these kinds, which an expected segment of the side brings, concern
// none of the connection's watchers, and no deadline of theirs is due by trace time now. All concern
// the record of a close.
func (s *Set) Deaf(watchers uint32, kinds fsm.Kinds, side reassembly.Side, now int64) bool {
	const ofPeer = 1 << fsm.Advanced
	if watchers&closingBit != 0 {
		return false
	}
	g := s.groups.at(watchers)
	return g.closing == 0 && !g.drafted && g.subscribed[side&1]&kinds&^ofPeer == 0 && g.subscribed[side.Peer()&1]&kinds&ofPeer == 0 && (g.due == 0 || g.due > now)
}

// Running is how many watchers a connection has.
func (s *Set) Running(watchers uint32) (n int) {
	if watchers == 0 || watchers&closingBit != 0 {
		return 0
	}
	for range s.each(watchers) {
		n++
	}
	return n
}
