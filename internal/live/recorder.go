package live

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// A Recorder writes the frames of several interfaces to one file, in the order of their
// times, until it is stopped: what came in at one and did not go out at another is known
// when all are compared. Stop may be called from any goroutine.
type Recorder struct {
	Sources []Source         // by the number of the Keeper's interface
	Names   []string         // of the same
	Keeper  *Keeper          // open
	Now     func() time.Time // the clock of the frames' timestamps
	Warn    func(text string)
	// Elapsed is how long the recorder has run, as Loop.Elapsed.
	Elapsed func() time.Duration

	mu      sync.Mutex
	stopped bool

	waiting []capture.Frame // in order of time, until no earlier one can come
	warned  []uint64        // drops of each source at the last warning
	breaks  []uint64        // changes of each interface
	steps   steps
}

// Stop ends the capture now.
func (r *Recorder) Stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	for _, s := range r.Sources {
		s.Wake()
	}
}

// Run runs until Stop is called, or the Keeper fails.
func (r *Recorder) Run() error {
	r.warned, r.breaks = make([]uint64, len(r.Sources)), make([]uint64, len(r.Sources))
	var ended time.Time // when Stop was noticed
	for {
		before, step := r.steps.read(r.Now, r.Elapsed)
		if step != 0 {
			r.Warn(describeStep(step))
		}
		r.mu.Lock()
		stopped := r.stopped
		r.mu.Unlock()
		if stopped && ended.IsZero() {
			ended = before
		}
		for i, s := range r.Sources {
			r.take(uint16(i), s, ended)
		}
		over := stopped && before.Sub(ended) >= Delay
		upTo := before.Add(-Delay).UnixNano()
		if over {
			upTo = ended.UnixNano()
		}
		if err := r.write(upTo, before.Add(leastStep).UnixNano()); err != nil {
			return cmp.Or(err, r.Keeper.Close(before.UnixNano()))
		}
		r.countDrops()
		if over {
			return r.Keeper.Close(ended.UnixNano())
		}
		r.wait(stopped)
	}
}

// take takes the frames that have come, up to a burst.
func (r *Recorder) take(n uint16, s Source, ended time.Time) {
	var fr capture.Frame
	for range burst {
		if !s.Next(&fr) {
			return
		}
		if !ended.IsZero() && fr.At > ended.UnixNano() || !s.Match(&fr) {
			continue
		}
		fr.Interface, fr.Data = n, bytes.Clone(fr.Data)
		r.waiting = append(r.waiting, fr)
	}
}

// write writes the frames up to a time. Before them come those from before the clock was set
// back, which have a later one than any clock now says.
func (r *Recorder) write(upTo, latest int64) error {
	place := func(fr *capture.Frame) int64 {
		if fr.At > latest {
			return fr.At - math.MaxInt64
		}
		return fr.At
	}
	sorting.Stable(r.waiting, func(a, b capture.Frame) int { return cmp.Compare(place(&a), place(&b)) })
	n, _ := slices.BinarySearchFunc(r.waiting, upTo+1, func(fr capture.Frame, at int64) int { return cmp.Compare(place(&fr), at) })
	for i := range r.waiting[:n] {
		if err := r.Keeper.Keep(&r.waiting[i]); err != nil {
			return err
		}
	}
	r.waiting = slices.Delete(r.waiting, 0, n)
	return r.Keeper.Flush()
}

// countDrops warns of lost frames, each time that their number has doubled.
func (r *Recorder) countDrops() {
	for i, s := range r.Sources {
		lost := s.Drops()
		r.Keeper.Lost(i, lost+r.breaks[i]+r.steps.forward)
		if lost > 0 && lost >= 2*r.warned[i] {
			r.warned[i] = lost
			r.Warn(fmt.Sprintf("%s: %d packets lost: they came faster than they could be saved. Segments that seem to be missing may be among them", r.Names[i], lost))
		}
	}
}

// wait waits for frames of any source: of one after the other, for less than the time
// for which frames wait anyway.
func (r *Recorder) wait(stopped bool) {
	wait := Delay / 4
	if stopped {
		wait = 5 * time.Millisecond
	}
	for i, s := range r.Sources {
		if news := s.Wait(wait / time.Duration(len(r.Sources))); news != "" {
			r.breaks[i]++
			r.Warn(news)
		}
	}
}
