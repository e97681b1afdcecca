package store

import (
	"os"
	"path/filepath"
)

// makeFolder creates the folder of a file, if files need one.
func makeFolder(name string) error {
	if !isLocal(name) {
		return nil
	}
	return os.MkdirAll(filepath.Dir(name), 0o755)
}

// RemoveFolder removes a folder with everything in it, if the file system has
// folders.
func RemoveFolder(name string) error {
	if !isLocal(name) {
		return nil
	}
	return os.RemoveAll(name)
}
