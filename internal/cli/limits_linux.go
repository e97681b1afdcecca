package cli

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// enoughFiles returns an error if the process may open too few files: the Go runtime
// needs some of its own, and ends with a stack trace without them.
func enoughFiles() error {
	const least = 10 // three standard streams, the runtime's 4, an input, an output, and evidence
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil && files.Cur < least {
		return fmt.Errorf("%d open files are too few: raise the limit (ulimit -n) to %d at least, and one more for each further input", files.Cur, least)
	}
	return nil
}

// leastRoom is the address space, in bytes, that a run needs beside what the Go runtime
// reserves before it begins (most of 750 MB): one for less would end with a stack trace.
const leastRoom = 192 << 20

// enoughSpace returns an error if the address space is limited (ulimit -v) to hardly more than the
// process already has. room is what is left, if it is limited.
func enoughSpace(limit, taken uint64) (room int64, err error) {
	if limit >= math.MaxInt64 {
		return math.MaxInt64, nil
	}
	room = int64(limit) - int64(taken)
	if room < leastRoom {
		const kb = 1 << 10
		return room, fmt.Errorf("%d kB of address space are too few, as the Go runtime reserves %d of them: raise the limit (ulimit -v) to %d at least, or limit the memory of a control group", limit/kb, taken/kb, (taken+leastRoom)/kb)
	}
	return room, nil
}

// addressSpace is the limit of the process's address space, and how much of it is taken, in bytes.
func addressSpace() (limit, taken uint64) {
	var space syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &space); err != nil {
		return math.MaxUint64, 0
	}
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseUint(pages, 10, 64)
	return space.Cur, n * uint64(os.Getpagesize())
}

// limitMemory makes the garbage collector work harder near the limit of memory that the
// system sets the process. GOMEMLIMIT comes first.
func (c *command) limitMemory() error {
	room, err := enoughSpace(addressSpace())
	if err != nil || os.Getenv("GOMEMLIMIT") != "" {
		return err
	}
	limit, by := cgroupMemory(os.DirFS("/"))
	if room < limit {
		limit, by = room, "ulimit -v"
	}
	if by != "" {
		debug.SetMemoryLimit(limit / 10 * 9) // the rest is for code, stacks and the file cache
		c.mention("memory is limited to %d MB (%s)", limit>>20, by)
	}
	return nil
}

// cgroupMemory is the lowest limit of memory, in bytes, of the process's control group
// and those above it, and where it is set: version 2 (memory.max), or version 1 mounted
// in the usual place. Without one, by is empty.
func cgroupMemory(root fs.FS) (limit int64, by string) {
	limit = math.MaxInt64
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		base, name := "sys/fs/cgroup", "memory.max"
		if controllers != "" {
			if controllers != "memory" {
				continue
			}
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Join("/", group); ; dir = path.Dir(dir) {
			file := path.Join(base, dir, name)
			text, _ := fs.ReadFile(root, file)
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < limit && n < noLimit {
				limit, by = n, "/"+file
			}
			if dir == "/" {
				break
			}
		}
	}
	return limit, by
}

// noLimit is what version 1 shows without a limit: the largest multiple of a page.
const noLimit = math.MaxInt64 &^ 0xffff
