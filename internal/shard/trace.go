package shard

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/merge"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Trace is shards of one split, read as one: their segments are in the order of
// the trace that was split. The zero value has no shards.
//
// Its files, times and end are those of the captures that were split.
type Trace struct {
	inputs []input // in the order of the command line
	open   merge.Heap[*reader]
	handed bool // Next has returned the segment of the first
	read   atomic.Int64
	total  int64 // bytes
	pipe   bool  // the size of an input is not known
}

// An input is a shard, or the reason why one is left out.
type input struct {
	name string
	*reader
	err error
}

// Add adds an input. If it is a shard of another split than the first, or one that
// was added before, Add closes it and returns the reason.
func (t *Trace) Add(in *capture.Input) error {
	r, err := newReader(in)
	if err != nil {
		return err
	}
	for _, o := range t.inputs {
		if o.reader == nil {
			continue
		}
		if r.Split != o.Split || r.Of != o.Of || r.places.Points != o.places.Points {
			err = fmt.Errorf("%s: left out: it is from another split than %s", in.Name, o.name)
		} else if r.Shard == o.Shard {
			err = fmt.Errorf("%s: left out: it is the same shard as %s", in.Name, o.name)
		}
		if err != nil {
			in.Close()
			return err
		}
	}
	in.Count(&t.read)
	t.inputs = append(t.inputs, input{name: in.Name, reader: r})
	t.total += in.Size()
	t.pipe = t.pipe || in.Size() == 0
	if r.next() {
		t.open.Push(r, int64(r.rec.Position), len(t.inputs))
	}
	return nil
}

// LeaveOut records why an input is not part of the trace, for Infos.
func (t *Trace) LeaveOut(name string, err error) {
	t.inputs = append(t.inputs, input{name: name, err: err})
}

// Next reads the next segment and returns its position among all TCP segments of
// the trace. It returns io.EOF when every shard has been read. Damage ends only the
// shard that it is in; see its Info.
func (t *Trace) Next(seg *reassembly.Segment) (position uint64, err error) {
	if t.handed {
		t.handed = false
		if r, _ := t.open.First(); r.next() {
			t.open.Advance(int64(r.rec.Position))
		} else {
			t.open.Pop()
		}
	}
	if len(t.open) == 0 {
		return 0, io.EOF
	}
	r, _ := t.open.First()
	t.handed = true
	*seg = r.rec.Segment
	return r.rec.Position, nil
}

// readers are those of the shards that are not left out.
func (t *Trace) readers(yield func(*reader) bool) {
	for _, in := range t.inputs {
		if in.reader != nil && !yield(in.reader) {
			return
		}
	}
}

// Start is the time of the first frame of the trace that was split, which need
// not be in these shards.
func (t *Trace) Start() int64 {
	for r := range t.readers {
		return r.Start
	}
	return 0
}

// shared are the statistics of one shard that has been read to its end, nil if
// there is none.
func (t *Trace) shared() *stats.Trace {
	for r := range t.readers {
		if r.stats != nil {
			return r.stats
		}
	}
	return nil
}

// Places says where the captures were made.
func (t *Trace) Places() packed.Places {
	for r := range t.readers {
		return r.places
	}
	return packed.Places{}
}

// Related is, of each shard that has been read to its end, what the other shards have to do
// with it, and whether all were.
func (t *Trace) Related() (list []packed.Related, all bool) {
	all = true
	for r := range t.readers {
		if r.stats == nil {
			all = false
			continue
		}
		list = append(list, r.related)
	}
	return list, all
}

// Stats returns the statistics of the trace so far.
func (t *Trace) Stats() *stats.Trace {
	var s stats.Trace
	whole := t.shared()
	if whole != nil {
		s = *whole
		s.Packets, s.Segments, s.Skipped, s.Numbers = 0, 0, nil, nil
	}
	s.Start = t.Start()
	related, _ := t.Related()
	for _, r := range related {
		if len(r.Openings) > 0 && t.Places().Points <= 1 {
			s.Openings = append(s.Openings, r.Openings[0]...)
		}
		if r.Hosts != nil {
			s.Counts.Hosts = *r.Hosts
		}
		if r.Holes != nil {
			s.Counts.Holes = *r.Holes
		}
		if r.Delays != nil {
			s.Counts.Delays = r.Delays
		}
		if r.Scans != nil {
			s.Counts.Scans = *r.Scans
		}
		if r.FTP != nil {
			s.Counts.FTP = *r.FTP
		}
	}
	skipped := map[string]uint64{}
	for r := range t.readers {
		if r.stats == nil {
			r.cut(&s, whole == nil)
			continue
		}
		s.Packets += r.stats.Packets
		s.Segments += r.stats.Segments
		s.Numbers = append(s.Numbers, r.stats.Numbers...)
		for _, x := range r.stats.Skipped {
			skipped[x.Reason] += x.N
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(skipped)) {
		s.Skipped = append(s.Skipped, stats.Skipped{Reason: reason, N: skipped[reason]})
	}
	slices.Sort(s.Cuts)
	sorting.Stable(s.Numbers, func(a, b stats.Number) int { return cmp.Compare(a.Position, b.Position) })
	s.Captures = nil
	for _, info := range t.Infos() {
		s.Captures = append(s.Captures, info.Capture)
	}
	return &s
}

// cut adds a shard whose end is missing. If no other shard has the statistics of
// the trace, nothing counts as absent after a quiet gap either.
func (r *reader) cut(s *stats.Trace, alone bool) {
	s.Packets += r.segments
	s.Segments += r.segments
	if r.segments == 0 {
		return
	}
	s.Cuts = append(s.Cuts, r.last)
	if !alone {
		return
	}
	for _, g := range r.gaps {
		s.Cuts = append(s.Cuts, g.From)
	}
	if s.First == 0 || r.first < s.First {
		s.First = r.first
	}
	s.Last = max(s.Last, r.last)
	s.End = s.Last
}

// Infos describes the captures that were split, and the inputs that have a
// problem.
func (t *Trace) Infos() (infos []capture.Info) {
	if s := t.shared(); s != nil {
		for _, c := range s.Captures {
			c.Warnings = slices.Clone(c.Warnings)
			infos = append(infos, capture.Info{Capture: c})
		}
	} else {
		for r := range t.readers {
			for _, name := range r.names {
				infos = append(infos, capture.Info{Capture: stats.Capture{File: name}})
			}
			break
		}
	}
	for _, in := range t.inputs {
		if info := in.info(); info.Err != nil {
			info.Warnings = []string{info.Err.Error()}
			infos = append(infos, info)
		}
	}
	return infos
}

func (in *input) info() capture.Info {
	info := capture.Info{Capture: stats.Capture{File: in.name}, Err: in.err}
	if r := in.reader; r != nil {
		info.Format, info.Compression = "shard", r.in.Compression
		info.Packets, info.First, info.Last = r.segments, r.first, r.last
		if r.err != io.EOF {
			info.Err = r.err
		}
	}
	return info
}

// RawTime is the time that a frame has in its file, given its trace time.
func (t *Trace) RawTime(file uint16, frame uint32, at int64) int64 {
	if s := t.shared(); s != nil && int(file) < len(s.Captures) {
		return s.Captures[file].ClockSteps.RawTime(frame, at)
	}
	return at
}

// Progress returns the bytes read so far and the total, as stored on disk. The
// total is 0 if it is unknown. Progress may be called from any goroutine.
func (t *Trace) Progress() (read, total int64) {
	if t.pipe {
		return t.read.Load(), 0
	}
	return t.read.Load(), t.total
}

// Close closes whatever is still open.
func (t *Trace) Close() error {
	var errs []error
	for r := range t.readers {
		if r.err == nil {
			errs = append(errs, r.in.Close())
			r.err = io.EOF
		}
	}
	t.open, t.handed = nil, false
	return errors.Join(errs...)
}
