package live

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A Loop analyses the frames of a source until it is stopped. It calls functions
// from the goroutine of Run. Stop and Ask may be called from any goroutine.
type Loop struct {
	Source Source
	Engine *engine.Live
	Keeper *Keeper           // nil to keep no frames
	Now    func() time.Time  // the clock of the frames' timestamps
	Warn   func(text string) // called for losses and changes of the interface
	Input  result.Capture    // description of the source in reports
	Ticked func(lag int64)   // called with the delay of the analysis in nanoseconds; may be nil
	// Elapsed is how long the loop has run, by a clock that nobody sets. If it is nil, nobody
	// notices that the other is set.
	Elapsed func() time.Duration

	mu      sync.Mutex
	stopped bool
	asked   []func(*Loop)

	clock    capture.Clock
	steps    steps
	end      int64     // the end of the capture once stopped, a timestamp
	ended    time.Time // the same
	now      int64     // deadlines up to here have fired
	ticked   time.Time
	tick     time.Duration // until the next tick
	drops    uint64
	breaks   uint64 // changes of the interface
	warned   uint64 // drops at the last warning
	frames   uint64
	bytes    uint64
	first    int64
	last     int64
	compared int64 // last, when the clock was read
	err      error // of the keeper
}

const (
	// burst is how many frames are processed between two checks of the clock and
	// of requests.
	burst = 4096
	// tickEvery is the interval of checks for deadlines, and waitAtMost how long
	// the loop sleeps if there is no frame.
	tickEvery  = 50 * time.Millisecond
	waitAtMost = 50 * time.Millisecond
	// tickShare bounds the cost of checks for deadlines: with a million of them, a
	// check takes as long as many frames.
	tickShare = 10
)

// Stop ends the capture now.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.Source.Wake()
}

// Ask makes the loop call f soon, between two frames. After Run, it never does.
func (l *Loop) Ask(f func(*Loop)) {
	l.mu.Lock()
	l.asked = append(l.asked, f)
	l.mu.Unlock()
	l.Source.Wake()
}

// Run runs until Stop is called, or the Keeper fails. It returns the final report.
func (l *Loop) Run() (*result.Report, error) {
	for {
		before := l.readClock()
		drained := l.process()
		l.advance(before, drained)
		l.answer(before)
		if l.isOver(before) {
			break
		}
		if drained {
			l.wait()
		}
	}
	return l.close()
}

// process processes the frames that have come, up to a burst.
func (l *Loop) process() (drained bool) {
	var fr capture.Frame
	for range burst {
		if !l.Source.Next(&fr) {
			return true
		}
		if l.end != 0 && fr.At > l.end || !l.Source.Match(&fr) {
			continue
		}
		l.frame(&fr)
	}
	return false
}

func (l *Loop) frame(fr *capture.Frame) {
	l.frames++
	l.bytes += uint64(len(fr.Data))
	if l.first == 0 {
		l.first = fr.At
	}
	fr.Num, fr.File = uint32(l.frames), 0
	if l.Keeper != nil && l.err == nil {
		l.err = l.Keeper.Keep(fr)
	}
	fr.At, fr.Stepped = l.clock.TraceTime(uint32(l.frames), fr.At)
	l.last = max(l.last, fr.At)
	l.Input.Turn(fr.Num, fr.At)
	l.Engine.Frame(fr)
}

// advance fires deadlines up to the last time of which all frames have come. If the
// source is drained, that depends on the time before, otherwise on the latest
// frame.
func (l *Loop) advance(before time.Time, drained bool) {
	if before.Sub(l.ticked) < l.tick && l.end == 0 {
		return
	}
	upTo := l.last
	if drained {
		upTo = l.clock.Now(before.UnixNano())
	}
	if upTo -= int64(Delay); l.end != 0 {
		upTo = min(upTo, l.clock.Now(l.end))
	}
	l.countDrops()
	if upTo > l.now {
		l.now = upTo
		l.Engine.Tick(upTo)
	}
	l.ticked = l.Now()
	l.tick = max(tickEvery, tickShare*l.ticked.Sub(before))
	if l.Ticked != nil {
		l.Ticked(max(0, l.clock.Now(l.ticked.UnixNano())-int64(Delay)-l.now))
	}
}

// countDrops warns of lost frames, each time that their number has doubled.
func (l *Loop) countDrops() {
	lost := l.Source.Drops()
	l.drops = lost + l.breaks
	if l.Keeper != nil {
		l.Keeper.Lost(0, l.drops+l.steps.forward)
	}
	if l.drops == 0 {
		return
	}
	l.Engine.Lost()
	if lost > 0 && lost >= 2*l.warned {
		l.warned = lost
		l.Warn(fmt.Sprintf("%s: %d packets lost: they came faster than they could be analysed. Segments that seem to be missing may be among them", l.Input.File, lost))
	}
}

// answer calls the functions of Ask, and notes the end after Stop.
func (l *Loop) answer(now time.Time) {
	l.mu.Lock()
	asked, stopped := l.asked, l.stopped
	l.asked = nil
	l.mu.Unlock()
	for _, f := range asked {
		f(l)
	}
	if (stopped || l.err != nil) && l.end == 0 {
		l.end, l.ended = now.UnixNano(), now
	}
}

// isOver reports whether all frames up to the end must have come.
func (l *Loop) isOver(now time.Time) bool { return l.end != 0 && now.Sub(l.ended) >= Delay }

// wait waits for frames. It flushes the kept ones first.
func (l *Loop) wait() {
	if l.Keeper != nil && l.err == nil {
		l.err = l.Keeper.Flush()
	}
	wait := waitAtMost
	if l.end != 0 {
		wait = 5 * time.Millisecond
	}
	if news := l.Source.Wait(wait); news != "" { // packets may have been lost meanwhile; this counts as one
		l.breaks++
		l.note(l.Now(), news)
	}
}

func (l *Loop) close() (*result.Report, error) {
	if l.Keeper != nil {
		l.err = cmp.Or(l.err, l.Keeper.Close(l.end))
	}
	return l.Engine.Close(l.clock.Now(l.end), l.Captures()), l.err
}

// Captures describes the input in reports: the kept file, or the source itself.
func (l *Loop) Captures() []result.Capture {
	c := l.Input
	c.Packets, c.Bytes, c.Drops = l.frames, l.bytes, l.drops
	c.Span = result.Span{First: l.first, Last: l.last, End: max(l.last, l.clock.Now(l.end))}
	if l.Keeper != nil && len(l.Keeper.names) == 1 {
		c.File = l.Keeper.names[0]
	} else if l.Keeper != nil { // each file has numbers of its own
		c.Turns = nil
	}
	return []result.Capture{c}
}

// Snapshot is a report of the current state.
func (l *Loop) Snapshot() *result.Report { return l.Engine.Snapshot(max(l.now, l.last), l.Captures()) }

// Closing reports whether the capture was stopped, so that only the report is
// missing.
func (l *Loop) Closing() bool { return l.end != 0 }
