package store

import (
	"os"
	"path/filepath"
)

// makeRoom makes the folder of a file, where files need one.
func makeRoom(name string) error {
	if !IsLocal(name) {
		return nil
	}
	return os.MkdirAll(filepath.Dir(name), 0o755)
}

// RemoveFolder removes a folder with all that is left in it, where there is such
// a thing as a folder.
func RemoveFolder(name string) error {
	if !IsLocal(name) {
		return nil
	}
	return os.RemoveAll(name)
}
