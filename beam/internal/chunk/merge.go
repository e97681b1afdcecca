package chunk

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/merge"
	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// A Merge merges the segments of one connection into the order of the trace. It has
// one open chunk of each file.
type Merge struct {
	ranks   []int
	open    func(name string) (io.ReadCloser, error)
	byFile  []*stream // nil if a file has no chunks
	streams []*stream
	heap    merge.Heap[*stream]
	started bool
}

// NewMerge merges by the ranks of the files, which are in the order of their
// indices. open opens a run.
func NewMerge(ranks []int, open func(name string) (io.ReadCloser, error)) *Merge {
	return &Merge{ranks: ranks, open: open, byFile: make([]*stream, len(ranks))}
}

// Add adds a chunk, which must not change any more. Chunks may come in any order,
// but all before the first Next.
func (m *Merge) Add(value []byte) error {
	h, err := parse(value)
	if err != nil {
		return err
	}
	if int(h.file) >= len(m.ranks) {
		return fmt.Errorf("a chunk is of file %d of %d", h.file, len(m.ranks))
	}
	s := m.byFile[h.file]
	if s == nil {
		s = &stream{file: h.file, rank: m.ranks[h.file]}
		m.byFile[h.file] = s
		m.streams = append(m.streams, s)
	}
	s.heads = append(s.heads, h)
	return nil
}

// Next reads the next segment and returns its position. It returns io.EOF at the end.
func (m *Merge) Next(rec *packed.Record) (Position, error) {
	if !m.started {
		m.start()
	}
	if len(m.heap) == 0 {
		return Position{}, io.EOF
	}
	s, at := m.heap.First()
	if err := s.load(m.open); err != nil {
		return Position{}, err
	}
	*rec = s.next
	position := Position{at, s.rank, rec.Frame}
	switch err := s.advance(); err {
	case nil:
		m.heap.Advance(s.time)
	case io.EOF:
		m.heap.Pop()
	default:
		return Position{}, err
	}
	return position, nil
}

func (m *Merge) start() {
	m.started = true
	for _, s := range m.streams {
		slices.SortFunc(s.heads, func(a, b head) int { return cmp.Compare(a.frame, b.frame) })
		s.time = s.heads[0].time
		m.heap.Push(s, s.time, s.rank)
	}
}

// Reset prepares for another connection.
func (m *Merge) Reset() {
	for _, s := range m.streams {
		s.close()
		m.byFile[s.file] = nil
	}
	m.streams, m.heap, m.started = m.streams[:0], m.heap[:0], false
}
