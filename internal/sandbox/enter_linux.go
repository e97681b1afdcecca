package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Enter permanently drops, for all threads, the rights that are not among the
// needs, as far as the kernel supports that. It returns sentences that describe
// what is restricted.
func Enter(n Needs) (active []string) {
	return append(active, dropCapabilities(n), restrictFiles(n), restrictCalls(refused))
}

// EnterHelper leaves a process that looks at the sockets of others the rights for that, and
// no others: to see their descriptors, to enter their network namespaces and to ask the
// kernel there. Landlock would hide other processes from it.
func EnterHelper() (active []string) {
	keep := []cap.Value{cap.SYS_PTRACE, cap.SYS_ADMIN, cap.DAC_READ_SEARCH}
	had := cap.GetProc()
	keep = slices.DeleteFunc(keep, func(c cap.Value) bool {
		is, err := had.GetFlag(cap.Permitted, c)
		return err != nil || !is
	})
	calls := slices.DeleteFunc(slices.Clone(refused), func(call uint32) bool { return call == unix.SYS_SOCKET || call == unix.SYS_SETNS })
	return append(active, dropAllBut(keep...), restrictCalls(calls))
}

// dropCapabilities drops all capabilities. Root keeps the right to read files of
// others if there is anything to read, and the right to write them if the output
// goes there. restrictFiles limits these to the files that are needed.
func dropCapabilities(n Needs) string {
	if os.Geteuid() != 0 {
		return dropAllBut()
	}
	var keep []cap.Value
	if len(n.Read) > 0 {
		keep = append(keep, cap.DAC_READ_SEARCH)
	}
	if slices.ContainsFunc(n.Write, needsRoot) {
		keep = append(keep, cap.DAC_OVERRIDE)
	}
	had := cap.GetProc()
	keep = slices.DeleteFunc(keep, func(c cap.Value) bool { // a container's root may lack it
		is, err := had.GetFlag(cap.Permitted, c)
		return err != nil || !is
	})
	return dropAllBut(keep...)
}

// dropAllBut drops all capabilities except those to keep.
func dropAllBut(keep ...cap.Value) string {
	left := cap.NewSet()
	names := make([]string, len(keep))
	for i, c := range keep {
		names[i] = strings.ToUpper(c.String())
	}
	for _, flag := range []cap.Flag{cap.Permitted, cap.Effective} {
		if err := left.SetFlag(flag, true, keep...); err != nil {
			return "capabilities are not dropped: " + err.Error()
		}
	}
	switch err := left.SetProc(); {
	case err != nil:
		return "capabilities are not dropped: " + err.Error()
	case len(keep) == 0:
		return "all capabilities are dropped"
	}
	return "all capabilities are dropped except " + strings.Join(names, " and ") + ", which files of other users need"
}

// needsRoot reports whether only the rights of root allow to write to a file.
func needsRoot(name string) bool {
	var st unix.Stat_t
	if os.Geteuid() != 0 || unix.Stat(name, &st) != nil {
		return false
	}
	const ownerWrites, othersWrite = 0o200, 0o002
	return st.Mode&othersWrite == 0 && (st.Uid != 0 || st.Mode&ownerWrites == 0)
}

// restrictFiles leaves only access to the files that are needed, with Landlock.
func restrictFiles(n Needs) string {
	var rules []landlock.Rule
	add := func(names []string, file, dir func(...string) landlock.FSRule) {
		for _, name := range names {
			if st, err := os.Stat(name); err == nil && st.IsDir() {
				rules = append(rules, dir(name))
			} else if err == nil {
				rules = append(rules, file(name))
			}
		}
	}
	add(n.Read, landlock.ROFiles, landlock.RODirs)
	add(n.Write, landlock.RWFiles, landlock.RWDirs)
	if err := landlock.V5.BestEffort().Restrict(rules...); err != nil {
		return "Landlock does not restrict files: " + err.Error()
	}
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return "files are not restricted: this kernel has no Landlock"
	}
	return fmt.Sprintf("Landlock (ABI %d) allows reading %d files and writing to %d places", version, len(n.Read), len(n.Write))
}
