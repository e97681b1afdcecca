package cli

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// confine gives up every right that is not needed to read the inputs and to write
// to the given places, besides other files to read. It comes before the first byte of a capture is read, as
// captures may be hostile.
func (c *command) confine(places []string, more ...string) {
	if !c.env.Confine {
		return
	}
	more = slices.DeleteFunc(more, func(name string) bool { return name == "" })
	for _, what := range sandbox.Enter(sandbox.Needs{Read: slices.Concat(c.flags.files, more), Write: places}) {
		c.mention("%s", what)
	}
}

// outputs lists the places that will be written to: directories, because files are
// created and renamed in them, and anything that is not a regular file.
func (c *command) outputs() (places []string) {
	for _, name := range []string{c.flags.keep, c.flags.output, c.flags.evidence, c.flags.wireshark} {
		if name == "" || name == stdinName {
			continue
		}
		name = output.Destination(name)
		if st, err := os.Stat(name); err != nil || st.Mode().IsRegular() {
			name = filepath.Dir(name)
		}
		places = append(places, name)
	}
	return places
}
