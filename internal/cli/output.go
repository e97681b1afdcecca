package cli

import (
	"bufio"
	"io"
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
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
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

// permissions are those of the file that is replaced, or the usual ones.
func permissions(name string) os.FileMode {
	if st, err := os.Stat(name); err == nil {
		return st.Mode().Perm()
	}
	return 0o644
}
