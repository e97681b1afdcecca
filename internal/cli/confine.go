package cli

import (
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// confine gives up all that reading the inputs and writing to the given places
// does not need, before the first byte of a capture is looked at: somebody else
// made it.
func (c *command) confine(places []string) {
	if !c.env.Confine {
		return
	}
	for _, what := range sandbox.Enter(sandbox.Needs{Read: c.flags.files, Write: places}) {
		c.mention("%s", what)
	}
}

// outputs are the places that will be written to: directories, as files come and
// go in them, or what is no regular file.
func (c *command) outputs() (places []string) {
	for _, name := range []string{c.flags.keep, c.flags.output, c.flags.evidence} {
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
