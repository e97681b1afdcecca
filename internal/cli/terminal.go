package cli

import (
	"os"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"github.com/tcptrace-go/tcptrace/internal/source"
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
	f, is := c.env.Stdout.(*os.File)
	if !is || c.flags.output != "" {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// A progress bar appears if reading takes a while.
const (
	barAfter = 500 * time.Millisecond
	barEvery = 200 * time.Millisecond
)

// showProgress shows a progress bar if standard error is a terminal, and returns a
// function that removes it.
func (c *command) showProgress(trace source.Trace) (hide func()) {
	_, total := trace.Progress()
	if total == 0 || c.flags.noBar || c.flags.quiet || !isTerminal(c.env.Stderr) {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		wait := time.NewTimer(barAfter)
		defer wait.Stop()
		select {
		case <-done:
			return
		case <-wait.C:
		}
		bar := pb.Full.New(0).SetTotal(total).Set(pb.Bytes, true).Set(pb.CleanOnFinish, true).SetWriter(c.env.Stderr).Start()
		defer bar.Finish()
		tick := time.NewTicker(barEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				read, _ := trace.Progress()
				bar.SetCurrent(read)
			}
		}
	}()
	return func() { close(done); <-gone }
}
