package capture

import (
	"cmp"
	"io"
	"os"
	"slices"
)

// A member is one file of a trace.
type member struct {
	name  string
	index uint16
	rank  int   // its place where times are equal
	first int64 // key of its first frame
	size  int64 // in bytes, of a regular file
	file  *File // nil if it was never opened
	frame Frame // at hand, while it takes part in the merge
	err   error // why it could not be opened
}

// A merge holds the files whose times overlap now. Thousands of rotated files
// are open one or two at a time.
type merge struct {
	waiting []*member // closed, in order of their first frames
	open    []*member // a heap: the earliest frame first
	handed  bool      // the frame of open[0] was given out
}

const (
	peekBlock  = 32 << 10 // to read a first frame and no more
	leastShare = 64 << 10 // of a file among many
)

// survey finds the order of the files and closes them again, but for those
// that can be read only once, such as pipes.
func (t *Trace) survey() {
	var found []*member
	for _, m := range t.members {
		if m.err == nil && m.peek(t) {
			found = append(found, m)
		}
	}
	found = t.alike(found)
	slices.SortFunc(found, func(a, b *member) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.name, b.name), cmp.Compare(a.index, b.index))
	})
	for rank, m := range found {
		m.rank = rank
		t.total += m.size
		if m.file.in == nil {
			t.merge.waiting = append(t.merge.waiting, m)
		} else {
			t.merge.push(m)
		}
	}
	if len(t.merge.open) > 0 {
		t.total = 0 // nobody knows how much a pipe holds
	}
}

// peek reads a member's first frame, and reports whether it has one.
func (m *member) peek(t *Trace) bool {
	st, err := os.Stat(m.name)
	once := m.name == stdinName || err == nil && !st.Mode().IsRegular()
	s := setup{index: m.index, block: peekBlock}
	if once {
		s = setup{index: m.index, block: leastShare, counter: &t.read}
	}
	if m.file, m.err = open(m.name, &t.opts, s); m.err != nil || !m.next() {
		return false
	}
	m.first = m.frame.key()
	if !once {
		if err == nil { // it lies here
			m.size = st.Size()
		}
		m.file.Close()
		m.file = m.file.unread()
	}
	return true
}

// reopen reads a surveyed file from its beginning, now that its time has come.
func (m *member) reopen(t *Trace) bool {
	share := max(leastShare, blockSize/(len(t.merge.open)+1))
	f, err := open(m.name, &t.opts, setup{index: m.index, block: share, counter: &t.read})
	if err != nil {
		m.err = err
		return false
	}
	m.file = f
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
		if !g.open[0].next() {
			g.drop()
		}
		g.sink(0)
	}
	for len(g.waiting) > 0 && (len(g.open) == 0 || g.waiting[0].first <= g.open[0].frame.key()) {
		m := g.waiting[0]
		g.waiting = g.waiting[1:]
		if m.reopen(t) {
			g.push(m)
		}
	}
	if len(g.open) == 0 {
		return io.EOF
	}
	*fr = g.open[0].frame
	g.handed = true
	return nil
}

// push adds a member to the heap.
func (g *merge) push(m *member) {
	g.open = append(g.open, m)
	i := len(g.open) - 1
	for i > 0 && m.before(g.open[(i-1)/2]) {
		g.open[i] = g.open[(i-1)/2]
		i = (i - 1) / 2
	}
	g.open[i] = m
}

// drop takes the first member off the heap, which sink then restores.
func (g *merge) drop() {
	last := len(g.open) - 1
	g.open[0] = g.open[last]
	g.open[last] = nil
	g.open = g.open[:last]
}

// sink moves the member at i to where it belongs.
func (g *merge) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(g.open); child++ {
			if g.open[child].before(g.open[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		g.open[i], g.open[least] = g.open[least], g.open[i]
		i = least
	}
}

func (m *member) info() Info {
	info := Info{File: m.name}
	if m.file != nil {
		info = m.file.Info()
	}
	if m.err != nil {
		info.Err = m.err
		info.Warnings = append(info.Warnings, m.err.Error())
	}
	return info
}

// before orders members by the frame at hand.
func (m *member) before(o *member) bool {
	a, b := m.frame.key(), o.frame.key()
	return a < b || a == b && m.rank < o.rank
}

// key is what frames are merged by: their time or, in shards, their position in
// the trace that was split.
func (fr *Frame) key() int64 {
	if fr.Packed != nil {
		return int64(fr.Packed.Position)
	}
	return fr.At
}
