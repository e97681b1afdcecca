package main

import (
	"os"
	"syscall"
)

// peakMemory is the largest resident set of a process that has ended.
func peakMemory(state *os.ProcessState) int64 {
	return state.SysUsage().(*syscall.Rusage).Maxrss * 1024
}

// ownPeak is that of this process. A child starts with it: exec keeps the maximum
// of the memory that it replaces, which is the parent's after vfork.
func ownPeak() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss * 1024
}
