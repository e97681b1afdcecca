package loss

import "github.com/tcptrace-go/tcptrace/detectors"

// mostRoom is how many of what was sent again are kept. Most sides send no more than two segments again.
const mostRoom = 8

// rooms have room for lists of up to mostRoom: for two, four or all. What a list leaves that has grown is another's.
type rooms[T any] struct {
	two  detectors.Spare[[2]T]
	four detectors.Spare[[4]T]
}

// more is the list with room for one more.
func (m *rooms[T]) more(list []T) []T {
	switch {
	case len(list) < cap(list):
		return list
	case list == nil:
		return m.two.Take()[:0]
	case cap(list) == 2:
		more := append(m.four.Take()[:0], list...)
		m.two.Give((*[2]T)(list))
		return more
	}
	more := append(make([]T, 0, mostRoom), list...)
	m.four.Give((*[4]T)(list))
	return more
}

// giveBack takes back a list that nobody may use any more.
func (m *rooms[T]) giveBack(list []T) {
	switch cap(list) {
	case 2:
		m.two.Give((*[2]T)(list[:2]))
	case 4:
		m.four.Give((*[4]T)(list[:4]))
	}
}
