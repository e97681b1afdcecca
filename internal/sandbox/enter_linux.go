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

// Enter gives up, for all threads and for good, what the needs leave out, as far
// as the kernel can take it away. It returns in sentences what is so.
func Enter(n Needs) (active []string) {
	return append(active, dropCapabilities(n), leaveFiles(n), refuseCalls())
}

// dropCapabilities leaves none, but for root the right to read what belongs to
// somebody else, if there is anything to read, and the right to write there if
// that is where the output goes: the file system is out of reach but for that.
func dropCapabilities(n Needs) string {
	if os.Geteuid() != 0 {
		return dropAllBut()
	}
	var keep []cap.Value
	if len(n.Read) > 0 {
		keep = append(keep, cap.DAC_READ_SEARCH)
	}
	if slices.ContainsFunc(n.Write, isForeign) {
		keep = append(keep, cap.DAC_OVERRIDE)
	}
	had := cap.GetProc()
	keep = slices.DeleteFunc(keep, func(c cap.Value) bool { // a container's root may lack it
		is, err := had.GetFlag(cap.Permitted, c)
		return err != nil || !is
	})
	return dropAllBut(keep...)
}

func dropAllBut(keep ...cap.Value) string {
	left := cap.NewSet()
	names := make([]string, len(keep))
	for i, c := range keep {
		names[i] = strings.ToUpper(c.String())
	}
	for _, flag := range []cap.Flag{cap.Permitted, cap.Effective} {
		if err := left.SetFlag(flag, true, keep...); err != nil {
			return "capabilities are kept: " + err.Error()
		}
	}
	switch err := left.SetProc(); {
	case err != nil:
		return "capabilities are kept: " + err.Error()
	case len(keep) == 0:
		return "all capabilities are dropped"
	}
	return "all capabilities are dropped but " + strings.Join(names, " and ") + ", for files of others"
}

// isForeign reports whether root can write to it only because root can.
func isForeign(name string) bool {
	var st unix.Stat_t
	if os.Geteuid() != 0 || unix.Stat(name, &st) != nil {
		return false
	}
	const ownerWrites, othersWrite = 0o200, 0o002
	return st.Mode&othersWrite == 0 && (st.Uid != 0 || st.Mode&ownerWrites == 0)
}

// leaveFiles leaves only the files that are needed, with Landlock.
func leaveFiles(n Needs) string {
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
	return fmt.Sprintf("Landlock (ABI %d) leaves %d files to read and %d places to write", version, len(n.Read), len(n.Write))
}
