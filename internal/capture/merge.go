package capture

import (
	"cmp"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/merge"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A member is one file of a trace.
type member struct {
	name  string
	index uint16
	rank  int   // its place among files whose times are equal
	first int64 // time of its first frame
	file  *File // nil if it was never opened
	frame Frame // the next one, while the file is open
	err   error // why it could not be opened
}

// A merging holds the files whose times overlap now, so that of thousands of
// rotated files only one or two are open at a time.
type merging struct {
	waiting []*member // closed, in order of their first frames
	open    merge.Heap[*member]
	once    []*member // open, because they can be read only once, such as pipes
	handed  bool      // Next has returned the frame of the first
}

const (
	peekBlock  = 32 << 10 // to read a first frame and no more
	leastShare = 64 << 10 // of the memory for blocks, for one file of many
	crowded    = 64       // so many files at a time have smaller ones
)

// peek reads the first frame of a file, and closes the file if it can be opened
// again.
func (t *Trace) peek(m *member) {
	in := m.file.in
	if in.raw.once {
		in.Count(&t.read)
	}
	switch {
	case !m.next():
		return
	case in.raw.once:
		t.merge.once = append(t.merge.once, m)
	default:
		m.file.Close()
		m.file = m.file.unread()
		t.merge.waiting = append(t.merge.waiting, m)
		t.total += in.Size()
	}
	m.first = m.frame.At
}

// Begin puts the files in order. All must have been added.
func (t *Trace) Begin() {
	g := &t.merge
	all := slices.Concat(g.waiting, g.once)
	sorting.Stable(all, func(a, b *member) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name), cmp.Compare(a.index, b.index))
	})
	g.waiting = g.waiting[:0]
	for rank, m := range all {
		m.rank = rank
		if m.file.in == nil {
			g.waiting = append(g.waiting, m)
		}
	}
	for _, m := range g.once {
		g.open.Push(m, m.first, m.rank)
		t.total = 0 // the size of a pipe is unknown
	}
}

// reopen opens a file again when the merge has come to its first frame.
func (m *member) reopen(t *Trace) bool {
	share := max(leastShare, blockSize/(len(t.merge.open)+1))
	if len(t.merge.open) >= crowded {
		share = leastShare / 8
	}
	f, err := open(m.name, &t.opts, share)
	if err != nil {
		m.err = err
		return false
	}
	f.in.Count(&t.read)
	f.in.readAhead(&t.opts)
	m.file, f.index = f, m.index
	return m.next()
}

// next reads the next frame of the file, or closes it if there is none.
func (m *member) next() bool {
	if m.file.Next(&m.frame) == nil {
		return true
	}
	m.file.Close()
	return false
}

// nextMerged reads the earliest frame of all files.
func (t *Trace) nextMerged(fr *Frame) error {
	g := &t.merge
	if g.handed {
		g.handed = false
		if m, _ := g.open.First(); m.next() {
			g.open.Advance(m.frame.At)
		} else {
			g.open.Pop()
		}
	}
	for len(g.waiting) > 0 && (len(g.open) == 0 || g.waiting[0].first <= g.earliest()) {
		m := g.waiting[0]
		g.waiting = g.waiting[1:]
		if m.reopen(t) {
			g.open.Push(m, m.frame.At, m.rank)
		}
	}
	if len(g.open) == 0 {
		return io.EOF
	}
	m, _ := g.open.First()
	*fr = m.frame
	g.handed = true
	return nil
}

// earliest is the time of the next frame of the files that are open.
func (g *merging) earliest() int64 {
	_, at := g.open.First()
	return at
}

func (m *member) info() Info {
	info := Info{Capture: stats.Capture{File: m.name}}
	if m.file != nil {
		info = m.file.Info()
	}
	if m.err != nil {
		info.Err = m.err
		info.Warnings = append(info.Warnings, m.err.Error())
	}
	return info
}
