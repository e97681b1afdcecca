package cli

import (
	"math"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func TestEnoughFiles(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	for n, enough := range map[uint64]bool{9: false, 10: true} {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		if err := enoughFiles(); (err == nil) != enough {
			t.Errorf("with %d files: %v", n, err)
		}
	}
}

func TestEnoughSpace(t *testing.T) {
	const taken = 750 << 20
	for limit, want := range map[uint64]int64{math.MaxUint64: math.MaxInt64, taken + leastRoom: leastRoom, taken + leastRoom - 1: 0, taken / 2: 0} {
		room, err := enoughSpace(limit, taken)
		if (err == nil) != (want > 0) || err == nil && room != want {
			t.Errorf("of %d bytes %d are left, want %d: %v", limit, room, want, err)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
	}
	if limit, taken := addressSpace(); taken < 1<<20 || taken > limit {
		t.Errorf("%d of %d bytes are taken", taken, limit)
	}
}

func TestCgroupMemory(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		limit int64
		by    string
	}{
		{"none", fstest.MapFS{}, 0, ""},
		{"version 2", fstest.MapFS{
			"proc/self/cgroup":                file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max":    file("500000000\n"),
			"sys/fs/cgroup/a/memory.max":      file("max\n"),
			"sys/fs/cgroup/other/memory.max":  file("1\n"),
			"sys/fs/cgroup/memory/memory.max": file("1\n"),
		}, 500000000, "/sys/fs/cgroup/a/b/memory.max"},
		{"the group above is tighter", fstest.MapFS{
			"proc/self/cgroup":             file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"),
			"sys/fs/cgroup/a/memory.max":   file("400000000\n"),
		}, 400000000, "/sys/fs/cgroup/a/memory.max"},
		{"a container sees its own group as the root", fstest.MapFS{
			"proc/self/cgroup":         file("0::/\n"),
			"sys/fs/cgroup/memory.max": file("300000000\n"),
		}, 300000000, "/sys/fs/cgroup/memory.max"},
		{"version 1", fstest.MapFS{
			"proc/self/cgroup": file("5:cpu:/x\n4:memory:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("200000000\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   file("9223372036854771712\n"),
		}, 200000000, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"},
		{"version 1 without a limit", fstest.MapFS{
			"proc/self/cgroup":                           file("4:memory:/\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, 0, ""},
	} {
		if limit, by := cgroupMemory(c.files); by != c.by || by != "" && limit != c.limit {
			t.Errorf("%s: %d by %q, want %d by %q", c.name, limit, by, c.limit, c.by)
		}
	}
}
