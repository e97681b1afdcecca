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

// limitMemory makes the garbage collector work harder near the limit of memory that the
// system sets the process. GOMEMLIMIT comes first.
func (c *command) limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limit, by := cgroupMemory(os.DirFS("/"))
	var space syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &space); err == nil && space.Cur < uint64(limit) {
		limit, by = int64(space.Cur), "ulimit -v"
	}
	if by != "" {
		debug.SetMemoryLimit(limit / 10 * 9) // the rest is for code, stacks and the file cache
		c.mention("memory is limited to %d MB (%s)", limit>>20, by)
	}
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
