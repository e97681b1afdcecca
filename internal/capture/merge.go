package capture

import (
	"cmp"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/merge"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A member is one file of a trace.
type member struct {
	name  string
	index uint16
	rank  int   // its place where times are equal
	first int64 // time of its first frame
	file  *File // nil if it was never opened
	frame Frame // at hand, while it takes part in the merge
	err   error // why it could not be opened
}

// A merging holds the files whose times overlap now. Thousands of rotated files
// are open one or two at a time.
type merging struct {
	waiting []*member // closed, in order of their first frames
	open    merge.Heap[*member]
	once    []*member // open, because they can be read only once, such as pipes
	handed  bool      // the frame of the first was given out
}

const (
	peekBlock  = 32 << 10 // to read a first frame and no more
	leastShare = 64 << 10 // of a file among many
)

// peek reads a member's first frame, and closes the file again if it can be read
// once more.
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

// Begin finds the order of the files, when all have been added.
func (t *Trace) Begin() {
	g := &t.merge
	all := slices.Concat(g.waiting, g.once)
	slices.SortFunc(all, func(a, b *member) int {
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
		t.total = 0 // nobody knows how much a pipe holds
	}
}

// reopen reads a surveyed file from its beginning, now that its time has come.
func (m *member) reopen(t *Trace) bool {
	share := max(leastShare, blockSize/(len(t.merge.open)+1))
	f, err := open(m.name, &t.opts, share)
	if err != nil {
		m.err = err
		return false
	}
	f.in.Count(&t.read)
	m.file, f.index = f, m.index
	return m.next()
}

// next has the member's next frame at hand, or closes its file.
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
