package sockets

import (
	"strconv"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A Hidden replaces what names people and programs by numbers in order of appearance.
type Hidden struct{ names, pids, uids, units map[string]int64 }

// NewHidden has seen nobody yet.
func NewHidden() *Hidden {
	return &Hidden{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}}
}

// numbered is the number of what a map knows, from 1.
func numbered(known map[string]int64, what string) int64 {
	if known[what] == 0 {
		known[what] = int64(len(known) + 1)
	}
	return known[what]
}

// Socket replaces everything in the socket but state, queues, descriptors and timers.
func (h *Hidden) Socket(s *result.Socket) {
	for i := range s.Processes {
		u := &s.Processes[i]
		u.PID = numbered(h.pids, strconv.FormatInt(u.PID, 10))
		u.Command = ""
		u.Name = "process-" + strconv.FormatInt(numbered(h.names, u.Name), 10)
	}
	if s.UID >= 0 {
		s.UID = numbered(h.uids, strconv.FormatInt(s.UID, 10))
	}
	if s.User != "" {
		s.User = "user-" + strconv.FormatInt(s.UID, 10)
	}
	if s.Unit != "" {
		s.Unit = "unit-" + strconv.FormatInt(numbered(h.units, s.Unit), 10)
	}
	s.Cgroup = ""
	if s.Inode != 0 {
		s.Inode = 1 // that there is one matters
	}
}
