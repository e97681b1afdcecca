package flowcontrol

// A recovery is one or more episodes in quick succession after which the
// window opened again.
type recovery struct {
	episode  episode // the first, with the counts of all
	episodes int
	shut     int64 // nanoseconds that the window was closed, in all
	end      int64
}

// join adds a later episode to the count.
func (m *recovery) join(e *episode) {
	m.episode.probes += e.probes
	m.episode.answered += e.answered
	m.episode.interval = e.interval
	m.episode.last = e.last
	m.episode.silent, m.episode.quiet = e.silent, e.quiet
	m.episode.sender, m.episode.receiver = e.sender, e.receiver
}
