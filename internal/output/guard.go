// Package output writes the files of a run: completely or not at all, and never
// over a file that the run reads.
package output

import (
	"fmt"
	"os"
	"path/filepath"
)

// A Guard knows the files that must not be overwritten. Files are compared with
// os.SameFile, not by name, so that links and mounts do not matter. A nil Guard
// and the zero value protect nothing.
type Guard struct{ protected []protected }

type protected struct {
	label string
	info  os.FileInfo
}

// Protect protects the named file, or the files in the named directory. The
// label is its name in errors, such as "the input x.pcap". Missing files, and what
// is not a regular file (a pipe, a device, a terminal), are not protected.
func (g *Guard) Protect(label, name string) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
	case !st.IsDir():
		g.protect(label, st)
	default:
		entries, _ := os.ReadDir(name)
		for _, e := range entries {
			if st, err := os.Stat(filepath.Join(name, e.Name())); err == nil {
				g.protect(label, st)
			}
		}
	}
}

// ProtectOpen protects a stream if it is an open file.
func (g *Guard) ProtectOpen(label string, stream any) { g.protect(label, stat(stream)) }

func (g *Guard) protect(label string, st os.FileInfo) {
	if st != nil && st.Mode().IsRegular() {
		g.protected = append(g.protected, protected{label, st})
	}
}

// stat describes a stream, if it is an open file; nil otherwise.
func stat(stream any) os.FileInfo {
	f, is := stream.(*os.File)
	if !is {
		return nil
	}
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	return st
}

// Check returns an error if the named file is protected. The label is the name of
// the output in the error, such as "-o x.json".
func (g *Guard) Check(label, name string) error {
	st, err := os.Stat(name)
	if err != nil { // nothing to overwrite
		return nil
	}
	return g.check(label, st)
}

// CheckDir returns an error if the directory has a protected file under a name that
// the run may write.
func (g *Guard) CheckDir(label, dir string, writes func(name string) bool) error {
	entries, _ := os.ReadDir(dir) // none if it does not exist yet
	for _, e := range entries {
		if writes(e.Name()) {
			if err := g.Check(label, filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckOpen returns an error if the stream is an open file that is protected.
func (g *Guard) CheckOpen(label string, stream any) error { return g.check(label, stat(stream)) }

func (g *Guard) check(label string, st os.FileInfo) error {
	if g == nil || st == nil || !st.Mode().IsRegular() {
		return nil
	}
	for _, p := range g.protected {
		if os.SameFile(p.info, st) {
			return fmt.Errorf("%s would overwrite %s; choose another output", label, p.label)
		}
	}
	return nil
}

// Create is os.Create, but refuses protected files.
func (g *Guard) Create(name string) (*os.File, error) {
	if err := g.Check(name, name); err != nil {
		return nil, err
	}
	return os.Create(name)
}

// Rename is os.Rename, but refuses to replace protected files.
func (g *Guard) Rename(from, to string) error {
	if err := g.Check(to, to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	keep(from)
	return nil
}
