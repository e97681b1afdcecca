// Package output creates the files that a run writes: whole or not at all, and
// never in the place of a file that the same run reads.
package output

import (
	"fmt"
	"os"
	"path/filepath"
)

// A Guard knows the files that must not be overwritten. Files are told apart by
// what they are, not by name (os.SameFile), so that links and mounts do not
// matter. A nil Guard, and the zero value, protect nothing.
type Guard struct{ protected []protected }

type protected struct {
	label string
	info  os.FileInfo
}

// Protect protects the named file, or the files in the named directory. The
// label is what an error calls it, such as "the input x.pcap". Names that do not
// exist and whatever is not a regular file (a pipe, a device, a terminal) hold
// nothing that could be lost.
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

// Check is an error if the named file is protected. The label is what the error
// calls the output, such as "-o x.json".
func (g *Guard) Check(label, name string) error {
	st, err := os.Stat(name)
	if err != nil { // nothing to overwrite
		return nil
	}
	return g.check(label, st)
}

// CheckDir is an error if one of the files in a directory is protected whose name
// the run may write.
func (g *Guard) CheckDir(label, dir string, writes func(name string) bool) error {
	entries, _ := os.ReadDir(dir) // none, if it is still to be made
	for _, e := range entries {
		if writes(e.Name()) {
			if err := g.Check(label, filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckOpen is an error if the stream is an open file that is protected.
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

// Create is os.Create, but for protected files.
func (g *Guard) Create(name string) (*os.File, error) {
	if err := g.Check(name, name); err != nil {
		return nil, err
	}
	return os.Create(name)
}

// Rename is os.Rename, but onto protected files.
func (g *Guard) Rename(from, to string) error {
	if err := g.Check(to, to); err != nil {
		return err
	}
	return os.Rename(from, to)
}
