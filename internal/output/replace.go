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

// Replace writes a file completely or not at all: it writes a temporary file in the
// same directory and renames it. What is not a regular file (a FIFO, /dev/null) is
// written directly. The target of a symbolic link is replaced, not the link.
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
	tmp, err := CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
	if err != nil { // the user knows only the final name
		return &os.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	err = errors.Join(Buffered(tmp, write), tmp.Chmod(permissions(target)), tmp.Close())
	if err == nil {
		err = g.Rename(tmp.Name(), target)
	}
	if err != nil {
		Discard(tmp.Name())
	}
	return err
}

// Buffered calls write with a buffer around w, and flushes it.
func Buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// Destination follows symbolic links, also to a file that does not exist yet.
func Destination(name string) string {
	const most = 40 // as Linux does
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

// permissions returns those of the file to be replaced, or 0644.
func permissions(name string) os.FileMode {
	if st, err := os.Stat(name); err == nil {
		return st.Mode().Perm()
	}
	return 0o644
}
