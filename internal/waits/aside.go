package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Of accounts that are open at a time, a fifth to a half have a run in which somebody has waited, one in eight has one that
// paused for a round trip, one in forty one that lost something, and of hardly any an application sends in pieces. What these need is
// apart from accounts, by number; and so is what only those need who are told of stretches.

// aside is what some accounts need.
type aside struct {
	marked  pool[marked]
	shapes  pool[shape]
	repairs pool[repairs]
	rares   pool[rare]
	trips   pool[trips]
	answers pool[answer]
	now     *ongoing            // the stretch of the account at hand, if anybody is told of stretches
	latest  map[uint32]*ongoing // those of accounts of which no record is kept
}

// marked is what the waits of the connection were.
type marked struct {
	until  detectors.Waits // at the last payload of the run, as of snapped
	before detectors.Waits // when it began
	course course          // how it went on
}

// paused is how long applications paused between the two, in nanoseconds.
func (m *marked) paused() int64 {
	return m.until[detectors.ClientApp] - m.before[detectors.ClientApp] + m.until[detectors.ServerApp] - m.before[detectors.ServerApp]
}

// shape is how a run goes on.
type shape struct {
	lag    lag // of its segments before the tap
	pieces pieces
}

// shape is that of the run, to be read only.
func (l *aside) shape(r *run) *shape { return l.shapes.read(r.shape, &noShape) }

var noShape shape

// noteShape is that of the run, to be written.
func (l *aside) noteShape(r *run) *shape { return l.shapes.write(&r.shape) }

// lags notes how late the segment of the run is.
func (l *aside) lags(r *run, seg *reassembly.Segment, e *end) {
	if seg.Opts.Has&reassembly.HasTimestamps != 0 && e.clock.firstAt != 0 {
		l.noteShape(r).lag.note(seg, e)
	}
}

// unmark forgets what the waits were, but for how long applications paused.
func (l *aside) unmark(a *Account) {
	if a.run.marked != 0 {
		l.unmarkRun(a)
	}
}

func (l *aside) unmarkRun(a *Account) {
	r := &a.run
	l.rest(a, l.marked.at(r.marked).paused())
	l.marked.free(&r.marked)
}

// forget forgets all that the run has.
func (l *aside) forget(a *Account) {
	l.unmark(a)
	l.shapes.free(&a.run.shape)
	l.trips.free(&a.behind)
	l.forgetRepairs(a)
}

// copy gives the account, which is a copy of another, its own.
func (l *aside) copy(a *Account) {
	l.repairs.copy(&a.repairs)
	l.marked.copy(&a.run.marked)
	l.shapes.copy(&a.run.shape)
	l.rares.copy(&a.rarity)
	l.trips.copy(&a.behind)
	l.answers.copy(&a.answer)
}

// release makes an account that is over one that may be used again.
func (l *aside) release(a *Account) {
	l.forget(a)
	l.rares.free(&a.rarity)
	l.answers.free(&a.answer)
	*a = Account{}
}

// A pool has values in chunks, so that none moves, by number; 0 is none.
type pool[T any] struct {
	chunks []*[poolChunk]T
	made   uint32 // numbers ever used
	idle   []uint32
}

const poolChunk = 32

func (p *pool[T]) at(n uint32) *T { return &p.chunks[(n-1)/poolChunk][(n-1)%poolChunk] }

// alloc returns the number of a value, which may be that of one that was freed.
func (p *pool[T]) alloc() (n uint32) {
	if last := len(p.idle) - 1; last >= 0 {
		n, p.idle = p.idle[last], p.idle[:last]
		return n
	}
	if p.made/poolChunk == uint32(len(p.chunks)) {
		p.chunks = append(p.chunks, new([poolChunk]T))
	}
	p.made++
	return p.made
}

// read is the value of that number, none if it has no number.
func (p *pool[T]) read(n uint32, none *T) *T {
	if n == 0 {
		return none
	}
	return p.at(n)
}

// write is the value of that number, to be written: a new one that is zero if it has none yet.
func (p *pool[T]) write(n *uint32) *T {
	if *n == 0 {
		*n = p.alloc()
		*p.at(*n) = *new(T)
	}
	return p.at(*n)
}

// copy gives a value that is a copy of that of the number another one, if it has any.
func (p *pool[T]) copy(n *uint32) {
	if of := *n; of != 0 {
		*n = p.alloc()
		*p.at(*n) = *p.at(of)
	}
}

// free takes the value back, and leaves no number.
func (p *pool[T]) free(n *uint32) {
	if *n != 0 {
		p.idle = append(p.idle, *n)
		*n = 0
	}
}
