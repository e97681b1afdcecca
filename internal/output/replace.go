package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes a file whole or not at all: beside its place first, then
// renamed, so that nobody ever reads half of it. What is not a regular file (a
// FIFO, /dev/null) is written as it is, and a symbolic link stays one.
func (g *Guard) Replace(name string, write func(io.Writer) error) (err error) {
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(Buffered(f, write), f.Close())
	}
	target, err := filepath.EvalSymlinks(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = Destination(name)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil { // nobody asked for that name
		return &os.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	err = errors.Join(Buffered(tmp, write), tmp.Chmod(permissions(target)), tmp.Close())
	if err == nil {
		err = g.Rename(tmp.Name(), target)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// Buffered lets write fill w through a buffer.
func Buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// Destination is where symbolic links lead, though nothing may be there yet.
func Destination(name string) string {
	const most = 40 // as the kernel follows
	for range most {
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	return name
}

// permissions are those of the file that is replaced, or the usual ones.
func permissions(name string) os.FileMode {
	if st, err := os.Stat(name); err == nil {
		return st.Mode().Perm()
	}
	return 0o644
}
