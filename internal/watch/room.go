package watch

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// maxHeld is how many findings of one detector a partition keeps for the report,
// 16,000 in all. A finding with its sentence and frames takes some 3 KB, and a
// capture of a scan or a flood may bring one for each of its million connections:
// the worst are kept, of these the earliest, and the others are counted. A live set keeps
// all of current connections, which it has reported one by one and may have to report again.
const maxHeld = 250

// ranks is how many ranks findings have. 0 is the worst: seen and critical.
const ranks = 2 * (int(detectors.Critical) + 1)

func rankOf(f *detectors.Finding) int {
	return int(f.Verdict)*(ranks/2) + int(detectors.Critical-f.Severity)
}

// rankCounts are how many findings there are of each rank.
type rankCounts [ranks]uint8

// sum is how many findings there are in all.
func (t *rankCounts) sum() (n uint16) {
	for _, of := range t {
		n += uint16(of)
	}
	return n
}

func countRanks(list []detectors.Standing) (t rankCounts) {
	for _, f := range list {
		if !f.IsShort() {
			t[rankOf(f.Finding)]++
		}
	}
	return t
}

// A room has the findings of one detector that are kept for the report.
type room struct {
	total   int
	ranks   [ranks]int // as many of each rank
	running []share    // of watchers that have some
	ended   []Found    // of connections that have ended
}

// A share is what one watcher has in a room.
type share struct {
	watcher uint32
	rankCounts
}

// change says that findings come, or go.
func (h *room) change(t rankCounts, by int) {
	for rank, n := range t {
		h.ranks[rank] += int(n) * by
		h.total += int(n) * by
	}
}

// count sees, after a watcher was called, which of its findings stand.
func (s *Set) count(n uint32, w *watcher) {
	if s.Withdraw != nil || w.Changed() {
		s.recount(n, w)
	}
}

func (s *Set) recount(n uint32, w *watcher) {
	h := &s.rooms[w.detector]
	if s.Withdraw != nil {
		stand := len(w.Findings())
		h.total += stand - int(w.counted)
		w.counted = uint16(stand)
	} else {
		s.leave(n, w)
		now := share{n, countRanks(w.Findings())}
		h.change(now.rankCounts, 1)
		for h.total > maxHeld {
			s.shorten(h, &now)
		}
		if w.counted = now.sum(); w.counted > 0 {
			h.running = append(h.running, now)
		}
	}
}

// leave takes the watcher's findings out of the room. What stands of them when it has ended
// comes back with keep.
func (s *Set) leave(n uint32, w *watcher) {
	h := &s.rooms[w.detector]
	switch {
	case w.counted == 0:
	case s.Withdraw != nil:
		h.total -= int(w.counted)
	default:
		i := slices.IndexFunc(h.running, func(of share) bool { return of.watcher == n })
		h.change(h.running[i].rankCounts, -1)
		h.running = slices.Delete(h.running, i, i+1)
	}
	w.counted = 0
}

// keep keeps a finding of a connection that has ended, if there is room or if another is
// milder.
func (s *Set) keep(f Found) {
	h := &s.rooms[f.Order]
	h.total++
	if s.Withdraw != nil {
		return
	}
	h.ranks[rankOf(f.Finding)]++
	h.ended = append(h.ended, f)
	if h.total > maxHeld {
		s.shorten(h, nil)
	}
}

// shorten makes the latest of the mildest findings one that is only counted: one of the
// given watcher's, which is none of those in the room yet, if it has any of that rank.
func (s *Set) shorten(h *room, last *share) {
	rank := ranks - 1
	for h.ranks[rank] == 0 {
		rank--
	}
	h.total--
	h.ranks[rank]--
	if last != nil && last.rankCounts[rank] > 0 {
		s.shortenOne(last, rank)
		return
	}
	for i := range slices.Backward(h.running) {
		if of := &h.running[i]; of.rankCounts[rank] > 0 {
			s.shortenOne(of, rank)
			w := s.watchers.at(of.watcher)
			if w.counted = of.sum(); w.counted == 0 {
				h.running = slices.Delete(h.running, i, i+1)
			}
			return
		}
	}
	for i, f := range slices.Backward(h.ended) {
		if rankOf(f.Finding) == rank {
			s.Unlisted.Add(kindOf(f.Finding, f.FINRank), f.Severity, 1, 0)
			f.Shorten()
			h.ended = slices.Delete(h.ended, i, i+1)
			return
		}
	}
}

// shortenOne makes the watcher's last finding of the rank one that is only counted.
func (s *Set) shortenOne(of *share, rank int) {
	of.rankCounts[rank]--
	list := s.watchers.at(of.watcher).Findings()
	i := len(list) - 1
	for list[i].IsShort() || rankOf(list[i].Finding) != rank {
		i--
	}
	list[i].Finding = s.short(list[i].Finding)
}

// short is what is left of a finding that is only counted. Of a flood of these, there are few different ones.
func (s *Set) short(f *detectors.Finding) *detectors.Finding {
	for _, same := range s.shorts {
		if same.Alike(f) {
			return same
		}
	}
	if f.IsDraft() { // others have it, too
		f = new(*f)
	}
	f.Shorten()
	if len(s.shorts) < maxShorts {
		s.shorts = append(s.shorts, f)
	}
	return f
}

// maxShorts is how many of these are looked through.
const maxShorts = 16

// Forget makes a finding that End has listed one that is only counted.
func (s *Set) Forget(f *Found) {
	s.rooms[f.Order].total--
	s.Unlisted.Add(kindOf(f.Finding, f.FINRank), f.Severity, 1, 0)
}
