package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// output lets write fill standard output, or the file of -o: beside its place
// first, then renamed, so that nobody ever reads half a report.
func (c *command) output(write func(io.Writer) error) error {
	if c.flags.output == "" || c.flags.output == "-" {
		return buffered(c.env.Stdout, write)
	}
	return replace(c.flags.output, write)
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// replace writes a file whole or not at all. What is not a regular file (a
// FIFO, /dev/null) is written as it is, and a symbolic link stays one.
func replace(name string, write func(io.Writer) error) (err error) {
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if err := buffered(f, write); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
	switch target, err := filepath.EvalSymlinks(name); {
	case err == nil:
		name = target
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", name, err)
	default: // perhaps a link to what is not there yet
		if target, err := os.Readlink(name); err == nil {
			return replace(beside(name, target), write)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil { // nobody asked for that name
		return &os.PathError{Op: "create", Path: name, Err: errors.Unwrap(err)}
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err = buffered(tmp, write); err != nil {
		return err
	}
	if err = tmp.Chmod(permissions(name)); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

// beside is the path that a symbolic link leads to.
func beside(link, target string) string {
	if filepath.IsAbs(target) {
		return target
	}
	return filepath.Join(filepath.Dir(link), target)
}

// permissions are those of the file that is replaced, or the usual ones.
func permissions(name string) os.FileMode {
	if st, err := os.Stat(name); err == nil {
		return st.Mode().Perm()
	}
	return 0o644
}
