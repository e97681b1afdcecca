// Package store reads and writes files in any of Beam's file systems. The scheme of a
// name selects the file system; without one, it is that of the machine. The program
// imports the file systems that it supports.
package store

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

// Open opens a file for reading.
func Open(ctx context.Context, name string) (io.ReadCloser, error) {
	fs, err := filesystem.New(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := fs.OpenRead(ctx, name)
	if err != nil {
		fs.Close()
		return nil, err
	}
	return &reader{r, fs}, nil
}

type reader struct {
	io.ReadCloser
	fs filesystem.Interface
}

func (r *reader) Close() error { return errors.Join(r.ReadCloser.Close(), r.fs.Close()) }

// Create creates a file, which exists after it has been closed.
func Create(ctx context.Context, name string) (io.WriteCloser, error) {
	fs, err := filesystem.New(ctx, name)
	if err != nil {
		return nil, err
	}
	w, err := fs.OpenWrite(ctx, name)
	if err != nil {
		fs.Close()
		return nil, err
	}
	return &writer{w, fs}, nil
}

type writer struct {
	io.WriteCloser
	fs filesystem.Interface
}

func (w *writer) Close() error { return errors.Join(w.WriteCloser.Close(), w.fs.Close()) }

// Write writes a whole file.
func Write(ctx context.Context, name string, data []byte) error {
	w, err := Create(ctx, name)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}

// List returns the names that match a pattern, sorted.
func List(ctx context.Context, pattern string) ([]string, error) {
	fs, err := filesystem.New(ctx, pattern)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	names, err := fs.List(ctx, pattern)
	slices.Sort(names)
	return names, err
}

// Rename renames a file. It is not an error if another attempt has done so.
func Rename(ctx context.Context, from, to string) error {
	fs, err := filesystem.New(ctx, from)
	if err != nil {
		return err
	}
	defer fs.Close()
	if err := makeFolder(to); err != nil {
		return err
	}
	err = filesystem.Rename(ctx, fs, from, to)
	if err == nil {
		return nil
	}
	if is, _ := fs.List(ctx, from); len(is) == 0 {
		if is, _ := fs.List(ctx, to); len(is) == 1 {
			return nil
		}
	}
	return err
}

// Remove removes the files that match a pattern, if the file system can do that.
func Remove(ctx context.Context, pattern string) error {
	fs, err := filesystem.New(ctx, pattern)
	if err != nil {
		return err
	}
	defer fs.Close()
	remover, can := fs.(filesystem.Remover)
	if !can {
		return nil
	}
	names, err := fs.List(ctx, pattern)
	for _, name := range names {
		err = errors.Join(err, remover.Remove(ctx, name))
	}
	return err
}

// Join is the name of a file in a folder.
func Join(folder string, name ...string) string {
	if isLocal(folder) {
		return filepath.Join(append([]string{folder}, name...)...)
	}
	return strings.TrimSuffix(folder, "/") + "/" + strings.Join(name, "/")
}

// isLocal reports whether a name is in the file system of the machine.
func isLocal(name string) bool { return !strings.Contains(name, "://") }
