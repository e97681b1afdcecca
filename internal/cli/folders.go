package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// folders replaces each directory among the inputs by the captures in it, in order of
// their names. Other files in it are none of our business; directories in it neither.
func (c *command) folders() error {
	var files []string
	for _, name := range c.flags.files {
		if st, err := os.Stat(name); name == stdinName || err != nil || !st.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := os.ReadDir(name) // sorted
		if err != nil {
			return err
		}
		before := len(files)
		for _, e := range entries {
			path := filepath.Join(name, e.Name())
			if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
				continue
			}
			if isCapture(path) {
				files = append(files, path)
			} else if c.anonymizer == nil {
				c.mention("%s: left out: not a capture", path)
			} else {
				c.mention("%s: a file is left out: not a capture", name)
			}
		}
		if len(files) == before {
			return fmt.Errorf("%s: there is no capture in this directory", name)
		}
	}
	c.flags.files = files
	c.anonymizer.nameInputs(c.flags)
	return nil
}

// isCapture reports whether a file can be opened as a capture or a shard.
func isCapture(name string) bool {
	trace, errs := source.Open([]string{name}, capture.Options{Text: scenario.Pcapng})
	trace.Close()
	return len(errs) == 0
}
