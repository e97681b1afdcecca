package detectors

import "sync"

// A Spare has values that watchers need for a while and give back: a run of retries, a segment that is
// stuck. With loss, nearly every connection has one now and then, and few have one at a time. The zero
// value is ready, and watchers of several partitions may use it at once.
type Spare[T any] struct{ pool sync.Pool }

// Take returns a value that is zero.
func (s *Spare[T]) Take() *T {
	if v, is := s.pool.Get().(*T); is {
		return v
	}
	return new(T)
}

// Give takes back a value, which nobody may use any more.
func (s *Spare[T]) Give(v *T) {
	*v = *new(T)
	s.pool.Put(v)
}
