package capture

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"
)

// A Trace is several files as one: their frames merged by time. Frames of equal
// time come in the order of the files' first frames, then of their names, so
// that the order of the command line does not show. Segments of shards come in
// the order of the trace that was split.
//
// Trace time is the files' time, but for clock steps: where a file's clock goes
// back by more than a second, its later frames are shifted so that time goes
// on. RawTime undoes that for printing.
type Trace struct {
	opts    Options
	members []*member // by index on the command line
	lone    *member   // the only one, which needs no merging
	merge   merge
	split   bool // they are shards
	read    atomic.Int64
	total   int64
}

// maxInputs is how many files Frame.File can tell apart.
const maxInputs = math.MaxUint16 + 1

// OpenTrace opens the named inputs as one trace. Inputs that cannot be read are
// reported and left out.
func OpenTrace(names []string, opts Options) (*Trace, []error) {
	t := &Trace{opts: opts}
	if len(names) > maxInputs {
		return t, []error{fmt.Errorf("%d inputs are too many: %d can be merged", len(names), maxInputs)}
	}
	for i, name := range names {
		m := &member{name: name, index: uint16(i)}
		if name == stdinName && slices.Contains(names[:i], name) {
			m.err = errors.New("-: standard input can be read only once")
		}
		t.members = append(t.members, m)
	}
	if len(t.members) == 1 {
		t.openLone()
	} else {
		t.survey()
	}
	var errs []error
	for _, m := range t.members {
		if m.err != nil {
			errs = append(errs, m.err)
		}
	}
	return t, errs
}

// openLone opens the only input; there is nothing to merge.
func (t *Trace) openLone() {
	m := t.members[0]
	m.file, m.err = open(m.name, &t.opts, setup{block: blockSize, counter: &t.read})
	if m.err == nil {
		t.lone, t.total, t.split = m, m.file.in.size, m.file.part != nil
	}
}

// Next reads the next frame of the trace into fr. It returns io.EOF when every
// file is read; damage of one file ends that file, and is told in its Info.
func (t *Trace) Next(fr *Frame) error {
	if t.lone == nil {
		return t.nextMerged(fr)
	}
	if t.lone.file.Next(fr) == nil {
		return nil
	}
	t.lone.file.Close()
	t.lone = nil
	return io.EOF
}

// Infos tells about every input in order of the command line, those that could
// not be read included.
func (t *Trace) Infos() []Info {
	infos := make([]Info, len(t.members))
	for i, m := range t.members {
		infos[i] = m.info()
	}
	if t.IsSplit() {
		return t.captures(infos)
	}
	return infos
}

// End is the end of the trace so far, in trace time: the latest frame of any
// kind, or a later end that a file states.
func (t *Trace) End() (end int64) {
	if f := t.Facts(); f != nil {
		return f.End
	}
	for _, m := range t.members {
		if m.file != nil {
			end = max(end, m.file.clock.end())
		}
	}
	return end
}

// Steps is how often the clocks of the files stepped, so far.
func (t *Trace) Steps() (steps int) {
	for _, m := range t.members {
		if m.file != nil {
			steps += len(m.file.clock.steps)
		}
	}
	return steps
}

// RawTime is the time that a frame has in its file, given its trace time.
func (t *Trace) RawTime(file uint16, frame uint32, at int64) int64 {
	if t.IsSplit() {
		return t.rawTime(file, frame, at)
	}
	if int(file) >= len(t.members) || t.members[file].file == nil {
		return at
	}
	return t.members[file].file.clock.raw(frame, at)
}

// Progress is how many bytes of how many have been read, as they lie on disk;
// total is 0 where that cannot be known. It may be called from any goroutine.
func (t *Trace) Progress() (read, total int64) { return t.read.Load(), t.total }

// Close closes whatever is still open.
func (t *Trace) Close() error {
	var errs []error
	for _, m := range t.members {
		if m.file != nil {
			errs = append(errs, m.file.Close())
		}
	}
	t.lone, t.merge = nil, merge{}
	return errors.Join(errs...)
}
