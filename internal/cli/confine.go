package cli

import (
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// confine gives up what the needs leave out, before the first byte of a capture
// is looked at: somebody else made it.
func (c *command) confine(n sandbox.Needs) {
	if !c.env.Confine {
		return
	}
	for _, what := range sandbox.Enter(n) {
		c.mention(what)
	}
}

// outputs are the places that will be written to: directories, as files come and
// go in them, or what is no regular file.
func (c *command) outputs() (places []string) {
	for _, name := range []string{c.flags.keep, c.flags.output, c.flags.evidence} {
		if name == "" || name == "-" {
			continue
		}
		name = output.Destination(name)
		if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
			places = append(places, name)
		} else {
			places = append(places, filepath.Dir(name))
		}
	}
	return places
}
