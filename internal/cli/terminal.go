package cli

import (
	"os"

	"golang.org/x/term"
)

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// useColor follows --color; auto means a terminal without NO_COLOR
// (no-color.org) or TERM=dumb.
func (c *command) useColor() bool {
	switch c.flags.color {
	case "always":
		return true
	case "never":
		return false
	}
	return c.flags.output == "" && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(c.env.Stdout)
}

// width is that of the terminal, if standard output is one and the report goes there; 0
// otherwise.
func (c *command) width() int {
	if c.flags.output != "" {
		return 0
	}
	return columnsOf(c.env.Stdout)
}

// columnsOf is how wide a terminal is; 0 if w is none.
func columnsOf(w any) int {
	f, is := w.(*os.File)
	if !is {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
