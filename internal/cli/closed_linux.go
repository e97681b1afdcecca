package cli

import (
	"errors"
	"os"
	"syscall"
)

// closedOutput returns an error if standard output was closed (>&-). The Go runtime has
// opened /dev/null in its place, for reading and writing. A daemon's three standard
// streams are like that on purpose; a shell's >/dev/null is only for writing. What a program
// opened itself for both, as Python's subprocess.DEVNULL does, cannot be told from it: the
// message names that, too.
func closedOutput(stdout, stderr any) error {
	if isNullDevice(stdout) && !isNullDevice(stderr) {
		return errors.New("standard output is closed (or is /dev/null opened for reading, too)")
	}
	return nil
}

// isNullDevice reports whether the stream is /dev/null, open for reading and writing.
func isNullDevice(stream any) bool {
	f, is := stream.(*os.File)
	if !is {
		return false
	}
	var open, null syscall.Stat_t
	fd := int(f.Fd())
	if syscall.Fstat(fd, &open) != nil || syscall.Stat(os.DevNull, &null) != nil || open.Rdev != null.Rdev || open.Mode != null.Mode {
		return false
	}
	flags, _, err := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	return err == 0 && flags&syscall.O_ACCMODE == syscall.O_RDWR
}
