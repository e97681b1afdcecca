package intake

import (
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Whole is what must be known about all files before the analysis.
type Whole struct {
	Stats stats.Trace
	Ranks []int    // of the files by index, for equal times
	Taps  []int    // of the same; -1 for none
	Files []*Stats // of captures from several places, each analysed by itself
}

// Combine combines the statistics of all files, in any order.
func Combine(files []*Stats) *Whole {
	slices.SortFunc(files, func(a, b *Stats) int { return cmp.Compare(a.Index, b.Index) })
	w := &Whole{Ranks: ranks(files)}
	f := &w.Stats
	skipped := map[string]uint64{}
	for _, x := range files {
		w.Taps = append(w.Taps, x.Tap)
		f.Captures = append(f.Captures, x.Capture)
		f.Packets += x.Frames
		f.Segments += x.Segments
		f.End = max(f.End, x.End)
		for _, s := range x.Skipped {
			skipped[s.Reason] += s.N
		}
		if x.Frames == 0 {
			continue
		}
		if f.Packets == x.Frames || x.Start < f.Start { // the first with frames, or an earlier one
			f.Start = x.Start
		}
		if f.First == 0 || x.Earliest < f.First {
			f.First = x.Earliest
		}
		f.Last = max(f.Last, x.Latest)
	}
	for name, n := range skipped {
		f.Skipped = append(f.Skipped, stats.Skipped{Reason: name, N: n})
	}
	slices.SortFunc(f.Skipped, func(a, b stats.Skipped) int { return cmp.Compare(a.Reason, b.Reason) })
	for _, g := range gaps(files) {
		f.Pause(g)
	}
	f.Blinded(rhythms(files))
	f.ClockSteps = steps(files, w.Ranks)
	f.Cover()
	return w
}

// rhythms are those of the files that have frames.
func rhythms(files []*Stats) (all []stats.Rhythm) {
	for _, x := range files {
		if x.Frames > 0 {
			all = append(all, stats.Rhythm{Blind: x.Blind, First: x.Start, Last: x.Latest})
		}
	}
	return all
}

// ranks is the order of files for frames with equal times: by their first frames,
// then by their names.
func ranks(files []*Stats) []int {
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := files[i], files[j]
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Capture.File, b.Capture.File), cmp.Compare(i, j))
	})
	ranks := make([]int, len(files))
	for rank, i := range order {
		ranks[i] = rank
	}
	return ranks
}

// gaps are the stretches, longer than stats.Pause, in which no file has a frame.
func gaps(files []*Stats) (all []stats.Gap) {
	var spans []stats.Gap // with frames, without such gaps in them
	for _, f := range files {
		if f.Frames == 0 {
			continue
		}
		from := f.Start // frames with earlier times come after it
		for _, g := range f.Gaps {
			spans = append(spans, stats.Gap{From: from, To: g.From})
			from = g.To
		}
		spans = append(spans, stats.Gap{From: from, To: f.Latest})
	}
	slices.SortFunc(spans, func(a, b stats.Gap) int { return cmp.Compare(a.From, b.From) })
	for i, last := 0, int64(0); i < len(spans); i++ {
		if i > 0 && spans[i].From-last > stats.Pause {
			all = append(all, stats.Gap{From: last, To: spans[i].From})
		}
		last = max(last, spans[i].To)
	}
	return all
}

// steps are the times at which a clock stepped, in the order of the trace.
func steps(files []*Stats, ranks []int) (at []int64) {
	type placed struct {
		Step
		rank int
	}
	var all []placed
	for i, f := range files {
		for _, s := range f.Steps {
			all = append(all, placed{s, ranks[i]})
		}
	}
	slices.SortFunc(all, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.rank, b.rank), cmp.Compare(a.Frame, b.Frame))
	})
	for _, s := range all[:min(len(all), stats.MaxClockSteps)] {
		at = append(at, s.At)
	}
	return at
}
