package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Of accounts that are open at a time, a fifth to a half have a run in which somebody has waited, one in eight has one that
// paused for a round trip, and of hardly any an application sends in pieces. What these need is apart from accounts, by number.

// aside is what some runs need.
type aside struct {
	marked pool[marked]
	shapes pool[shape]
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
func (l *aside) shape(r *run) *shape {
	if r.shape == 0 {
		return &noShape
	}
	return l.shapes.at(r.shape)
}

var noShape shape

// noteShape is that of the run, to be written.
func (l *aside) noteShape(r *run) *shape {
	if r.shape == 0 {
		r.shape = l.shapes.alloc()
		*l.shapes.at(r.shape) = shape{}
	}
	return l.shapes.at(r.shape)
}

// lags notes how late the segment of the run is.
func (l *aside) lags(r *run, seg *reassembly.Segment, c *clock) {
	if seg.Opts.Has&reassembly.HasTimestamps != 0 && c.firstAt != 0 {
		l.noteShape(r).lag.note(seg, c)
	}
}

// unmark forgets what the waits were, but for how long applications paused.
func (l *aside) unmark(r *run) {
	if r.marked != 0 {
		r.rested = l.marked.at(r.marked).paused()
		l.marked.free(r.marked)
		r.marked = 0
	}
}

// forget forgets all that the run has.
func (l *aside) forget(r *run) {
	l.unmark(r)
	l.reshape(r)
}

// reshape begins the shape anew.
func (l *aside) reshape(r *run) {
	if r.shape != 0 {
		l.shapes.free(r.shape)
		r.shape = 0
	}
}

// copy gives the run, which is a copy of another, its own.
func (l *aside) copy(r *run) {
	if of := r.marked; of != 0 {
		r.marked = l.marked.alloc()
		*l.marked.at(r.marked) = *l.marked.at(of)
	}
	if of := r.shape; of != 0 {
		r.shape = l.shapes.alloc()
		*l.shapes.at(r.shape) = *l.shapes.at(of)
	}
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

func (p *pool[T]) free(n uint32) { p.idle = append(p.idle, n) }
