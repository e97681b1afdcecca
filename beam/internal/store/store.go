// Package store reads and writes files wherever they lie: a name's scheme says
// which of Beam's file systems it belongs to, none is that of the machine. Which
// there are is for the program to say, by what it imports.
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

// Create begins a file, which is there once it has been closed.
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

// List names the files that a pattern means, sorted.
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

// Rename gives a file another name. That it has it already is good too: somebody
// else did it.
func Rename(ctx context.Context, from, to string) error {
	fs, err := filesystem.New(ctx, from)
	if err != nil {
		return err
	}
	defer fs.Close()
	if err := makeRoom(to); err != nil {
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

// Remove removes what a pattern means, as far as that can be done.
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

// Join puts a file into a folder.
func Join(folder string, name ...string) string {
	if IsLocal(folder) {
		return filepath.Join(append([]string{folder}, name...)...)
	}
	return strings.TrimSuffix(folder, "/") + "/" + strings.Join(name, "/")
}

// IsLocal reports whether a name is one of the machine's own file system.
func IsLocal(name string) bool { return !strings.Contains(name, "://") }
