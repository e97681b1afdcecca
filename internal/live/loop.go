package live

import (
	"fmt"
	"sync"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A Loop judges what a source gives until it is stopped. What it calls is called
// from the goroutine of Run; Stop and Ask may be called from any.
type Loop struct {
	Source Source
	Engine *engine.Live
	Keeper *Keeper           // nil to keep nothing
	Now    func() time.Time  // the clock that stamps frames
	Warn   func(text string) // of losses, and of what becomes of the interface
	Input  result.Capture    // what the source is called in reports
	Ticked func(lag int64)   // after each look at the clock: how far behind the engine is, nanoseconds; may be nil

	mu      sync.Mutex
	stopped bool
	asked   []func(*Loop)

	clock  capture.Clock
	end    int64     // the last moment to be judged, once stopped: a stamp
	ended  time.Time // when that was
	now    int64     // up to where deadlines have fired
	ticked time.Time
	tick   time.Duration // how long to wait until the next tick
	drops  uint64
	breaks uint64 // times that the interface went or came back
	warned uint64 // of so many drops
	frames uint64
	bytes  uint64
	first  int64
	last   int64
	err    error // of the keeper
}

const (
	// burst is how many frames are taken between two looks at the clock and at
	// requests.
	burst = 4096
	// tickEvery is how often deadlines are looked for, and waitAtMost how long
	// the loop sleeps where no frame comes.
	tickEvery  = 50 * time.Millisecond
	waitAtMost = 50 * time.Millisecond
	// tickShare bounds what looking for deadlines may cost: with a million of
	// them, one look is as long as many frames.
	tickShare = 10
)

// Stop ends the capture now.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.Source.Wake()
}

// Ask has the loop call f soon, between two frames. After Run it calls nothing.
func (l *Loop) Ask(f func(*Loop)) {
	l.mu.Lock()
	l.asked = append(l.asked, f)
	l.mu.Unlock()
	l.Source.Wake()
}

// Run judges until Stop is called, or what is seen can no longer be kept, and
// returns the closing report.
func (l *Loop) Run() (*result.Report, error) {
	for {
		before := l.Now()
		drained := l.take()
		l.advance(before, drained)
		l.answer(before)
		if l.isOver(before) {
			break
		}
		if drained {
			l.rest()
		}
	}
	return l.close()
}

// take judges what has come, at most a burst of it.
func (l *Loop) take() (drained bool) {
	var fr capture.Frame
	for range burst {
		if !l.Source.Next(&fr) {
			return true
		}
		if l.end != 0 && fr.At > l.end || !l.Source.Match(&fr) {
			continue
		}
		l.judge(&fr)
	}
	return false
}

func (l *Loop) judge(fr *capture.Frame) {
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
	l.Engine.Frame(fr)
}

// advance fires deadlines up to the last moment of which all frames have surely
// come: before was the time when nothing more was there, or some are still
// waiting and the latest one tells.
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

// countDrops tells of frames that were lost, each time that it has become twice
// as many.
func (l *Loop) countDrops() {
	lost := l.Source.Drops()
	l.drops = lost + l.breaks
	if l.Keeper != nil {
		l.Keeper.Lost(l.drops)
	}
	if l.drops == 0 {
		return
	}
	l.Engine.Lost()
	if lost > 0 && lost >= 2*l.warned {
		l.warned = lost
		l.Warn(fmt.Sprintf("%s: %d packets lost: they came faster than they could be judged. What is missing may have been among them", l.Input.File, lost))
	}
}

// answer does what was asked for, and notes the end once it is asked for.
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

// isOver reports whether all frames up to the end have come.
func (l *Loop) isOver(now time.Time) bool { return l.end != 0 && now.Sub(l.ended) >= Delay }

// rest waits for frames. What was kept is made readable first.
func (l *Loop) rest() {
	if l.Keeper != nil && l.err == nil {
		l.err = l.Keeper.Flush()
	}
	wait := waitAtMost
	if l.end != 0 {
		wait = 5 * time.Millisecond
	}
	if news := l.Source.Wait(wait); news != "" { // what came meanwhile is missing: a packet, for all that is known
		l.breaks++
		l.Input.Warnings = appendBounded(l.Input.Warnings, l.Now().UTC().Format(time.RFC3339)+" "+news)
		l.Warn(news)
	}
}

// appendBounded keeps the first of the news: an interface may come and go for
// weeks.
func appendBounded(news []string, text string) []string {
	const most = 20
	if len(news) < most {
		return append(news, text)
	}
	return news
}

func (l *Loop) close() (*result.Report, error) {
	if l.Keeper != nil {
		l.err = firstError(l.err, l.Keeper.Close(l.end))
	}
	return l.Engine.Close(l.clock.Now(l.end), l.Captures()), l.err
}

// Captures are what the report says of the input: one for each file that keeps
// it, or the source itself.
func (l *Loop) Captures() []result.Capture {
	c := l.Input
	c.Packets, c.Bytes, c.Drops = l.frames, l.bytes, l.drops
	c.Span = result.Span{First: l.first, Last: l.last, End: max(l.last, l.clock.Now(l.end))}
	if l.Keeper != nil && len(l.Keeper.names) == 1 {
		c.File = l.Keeper.names[0]
	}
	return []result.Capture{c}
}

// Snapshot is the state of things.
func (l *Loop) Snapshot() *result.Report { return l.Engine.Snapshot(max(l.now, l.last), l.Captures()) }

// Closing reports whether the capture is stopped, and only the report is to come.
func (l *Loop) Closing() bool { return l.end != 0 }
