package flow

// A queue is the connections of a table that have closed, in that order. It lies in blocks: most connections of a
// capture end up in it, and a slice would leave as much behind as it has each time that it grew.
type queue struct {
	blocks []*[queueBlock]leaver
	n      int // places
}

const queueBlock = 128

func (q *queue) at(i int) *leaver { return &q.blocks[i/queueBlock][i%queueBlock] }

func (q *queue) push(l leaver) {
	if q.n == len(q.blocks)*queueBlock {
		q.blocks = append(q.blocks, new([queueBlock]leaver))
	}
	*q.at(q.n) = l
	q.n++
}

// advance gives up whole blocks of the first places, of which i are not needed any more, for the next ones. It
// returns how many places it gave up.
func (q *queue) advance(i int) (gone int) {
	blocks := i / queueBlock
	if blocks == 0 || blocks < len(q.blocks)/2 { // seldom: the others move up
		return 0
	}
	first := append([]*[queueBlock]leaver(nil), q.blocks[:blocks]...)
	q.blocks = append(append(q.blocks[:0], q.blocks[blocks:]...), first...)
	q.n -= blocks * queueBlock
	return blocks * queueBlock
}

// keep leaves the places from the given one on of which want says so.
func (q *queue) keep(from int, want func(*leaver) bool) {
	n := 0
	for i := from; i < q.n; i++ {
		if l := *q.at(i); want(&l) {
			*q.at(n) = l
			n++
		}
	}
	q.n = n
	q.blocks = q.blocks[:(n+queueBlock-1)/queueBlock]
}
