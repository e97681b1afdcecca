package output

import (
	"os"
	"sync"
)

// temporary are the names of the temporary files that exist. A signal handler needs
// them, and signals concern the whole process.
var temporary struct {
	sync.Mutex
	names map[string]bool
}

// CreateTemp is os.CreateTemp, for a file that DiscardAll removes unless Keep or
// Discard was called with its name.
func CreateTemp(dir, pattern string) (*os.File, error) {
	temporary.Lock()
	defer temporary.Unlock()
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	if temporary.names == nil {
		temporary.names = map[string]bool{}
	}
	temporary.names[f.Name()] = true
	return f, nil
}

// An Unnamed is a temporary file without a name, as far as the system supports that:
// nothing is left of it, however the process ends.
type Unnamed struct{ *os.File }

// CreateUnnamed creates one where the system keeps temporary files.
func CreateUnnamed() (Unnamed, error) {
	f, err := CreateTemp("", "tcptrace-*")
	if err == nil && os.Remove(f.Name()) == nil { // otherwise Close does it, or DiscardAll
		keep(f.Name())
	}
	return Unnamed{f}, err
}

// Close closes the file and removes it.
func (u Unnamed) Close() error {
	err := u.File.Close()
	Discard(u.Name())
	return err
}

// keep says that the file has another name now, and is not temporary any more.
func keep(name string) {
	temporary.Lock()
	defer temporary.Unlock()
	delete(temporary.names, name)
}

// Discard removes the file.
func Discard(name string) {
	os.Remove(name)
	keep(name)
}

// DiscardAll removes all temporary files. After it, CreateTemp blocks: the process is
// about to end.
func DiscardAll() {
	temporary.Lock()
	for name := range temporary.names {
		os.Remove(name)
	}
}
