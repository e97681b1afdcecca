package cli

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/wireshark"
)

// output calls write with standard output, or with the file of -o.
func (c *command) output(write func(io.Writer) error) error {
	if c.toStdout() {
		return output.Buffered(c.env.Stdout, write)
	}
	return c.guard.Replace(c.flags.output, write)
}

func (c *command) toStdout() bool { return c.flags.output == "" || c.flags.output == stdinName }

// protectInputs returns an error if an output would overwrite an input. The guard
// checks again each time a file is written.
func (c *command) protectInputs() error {
	f, g := c.flags, &c.guard
	files := f.files
	if f.iface != "" {
		files = nil // words of the filter
	}
	if slices.Contains(files, stdinName) {
		g.ProtectOpen("the input "+stdinName, c.env.Stdin)
	}
	for _, name := range slices.Concat(files, f.sockets, []string{f.filterBPF, f.anonymizeKey}) {
		g.Protect("the input "+name, name)
	}
	err := g.CheckDir("--evidence "+f.evidence, f.evidence, evidence.IsFileName)
	if f.wireshark != "" {
		for _, name := range wireshark.Files(f.wireshark) {
			err = errors.Join(err, g.Check("--wireshark "+f.wireshark, name))
		}
	}
	if c.toStdout() && err == nil {
		err = g.CheckOpen("standard output", c.env.Stdout)
	} else if err == nil {
		err = g.Check("-o "+f.output, f.output)
	}
	if err == nil && f.keep != "" {
		first := filepath.Base(f.keep)
		err = g.CheckDir("-w "+f.keep, filepath.Dir(f.keep), func(name string) bool {
			n, is := strings.CutPrefix(name, first)
			return is && (n == "" || f.keepSize > 0 && strings.Trim(n, "0123456789") == "")
		})
	}
	return err
}
