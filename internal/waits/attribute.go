package waits

import "github.com/tcptrace-go/tcptrace/detectors"

// give attributes all time since the last attribution, up to trace time to.
func (s *step) give(w detectors.Wait, to int64) {
	if to > s.from {
		s.attribute(w, to)
	}
}

func (s *step) attribute(w detectors.Wait, to int64) {
	a := s.Account
	n := to - a.from
	if w == detectors.Loss && (s.own.open || s.peer.open || a.phase == connecting) {
		a.provisional += n
	}
	a.change(s.told)
	a.Waits[w] += n
	if s.told.Stretch != nil {
		s.extend(w, to)
	}
	a.from = to
}

// ongoing is the last stretch of an account that was attributed; the next of the same wait makes it longer.
type ongoing struct {
	stretch Stretch
	event   frameID // the segment at which from was reached
}

// extend makes the last stretch longer up to trace time to, or begins another.
func (s *step) extend(w detectors.Wait, to int64) {
	o := s.told.now
	if x := &o.stretch; x.Wait == w && x.End != x.Start {
		x.End, x.File[1], x.Frame[1] = to, s.seg.File, s.seg.Frame
	} else {
		s.flush()
		*x = Stretch{w, [2]uint16{o.event.file, s.seg.File}, [2]uint32{o.event.frame, s.seg.Frame}, s.from, to}
	}
}

// flush reports the last stretch.
func (s *step) flush() {
	if x := &s.told.now.stretch; x.End > x.Start {
		s.told.Stretch(s.Account, x)
	}
}

// move gives provisional loss to another wait.
func (s *step) move(to detectors.Wait) {
	n, r := s.provisional, &s.run
	s.provisional = 0
	if n == 0 {
		return
	}
	if s.change(s.told); r.on {
		m := s.told.marked.at(r.marked)
		for _, then := range [...]*detectors.Waits{&m.before, &m.until} {
			if earlier := n - (s.Waits[detectors.Loss] - then[detectors.Loss]); earlier > 0 {
				then[detectors.Loss] -= earlier
				then[to] += earlier
			}
		}
	}
	s.Waits[detectors.Loss] -= n
	s.Waits[to] += n
	if s.told.Stretch != nil && s.told.now.stretch.Wait == detectors.Loss {
		s.told.now.stretch.Wait = to
	}
}

// relabel gives the last n nanoseconds of a wait to another.
func (s *step) relabel(from, to detectors.Wait, n int64) {
	s.change(s.told)
	s.Waits[from] -= n
	s.Waits[to] += n
	if s.told.Stretch == nil || s.told.now.stretch.Wait != from {
		return
	}
	x := &s.told.now.stretch
	if whole := *x; x.End-x.Start > n {
		x.End -= n
		s.told.Stretch(s.Account, x)
		*x = whole
		x.Start = x.End - n
	}
	x.Wait = to
}
