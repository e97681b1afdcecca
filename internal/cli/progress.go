//go:build !js

package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// A progress bar appears if reading takes a while.
const (
	barAfter = 500 * time.Millisecond
	barEvery = 200 * time.Millisecond
)

// showProgress shows a progress bar if standard error is a terminal, and returns a
// function that removes it. Of a pipe it has no bar, and does not appear where findings do.
func (c *command) showProgress(trace source.Trace) (hide func()) {
	_, total := trace.Progress()
	if c.flags.noBar || c.flags.quiet || !isTerminal(c.env.Stderr) || total == 0 && c.toStdout() && isTerminal(c.env.Stdout) {
		return func() {}
	}
	began, done, gone := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		wait := time.NewTimer(barAfter)
		defer wait.Stop()
		select {
		case <-done:
			return
		case <-wait.C:
		}
		var shown int
		show := func(line string) { // over the one before, with no sequence that a console may not know
			fmt.Fprintf(c.env.Stderr, "\r%-*s\r%s", shown, "", line)
			shown = len(line)
		}
		defer show("")
		tick := time.NewTicker(barEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				read, _ := trace.Progress()
				columns := columnsOf(c.env.Stderr)
				if columns == 0 { // a terminal that does not say
					columns = 80
				}
				show(progressLine(read, total, time.Since(began), columns-1)) // in the last column, some break the line
			}
		}
	}()
	return func() { close(done); <-gone }
}

// progressLine says how much has been read: of a total, with a bar and how long the rest
// will take; of a pipe, whose total is 0, for how long. It is no wider than a terminal with so many columns.
func progressLine(read, total int64, taken time.Duration, columns int) string {
	perSecond := float64(read) / max(taken.Seconds(), 1e-3)
	speed := detectors.Size(uint64(perSecond)) + "/s"
	line := fmt.Sprintf("%s  %s  %v", detectors.Size(uint64(read)), speed, taken.Round(time.Second))
	if total > 0 {
		read = min(read, total) // a file may grow
		rest := time.Duration(float64(total-read) / max(perSecond, 1) * float64(time.Second))
		head := detectors.Size(uint64(read)) + " / " + detectors.Size(uint64(total))
		tail := fmt.Sprintf("%3d %%  %s  %v", read*100/total, speed, rest.Round(time.Second))
		line = head + "  " + tail
		if room := min(columns-len(line)-len("[]  "), longestBar); room >= shortestBar {
			filled := int(int64(room) * read / total)
			line = head + "  [" + strings.Repeat("=", filled) + strings.Repeat(" ", room-filled) + "]  " + tail
		}
	}
	return line[:min(len(line), columns)]
}

const shortestBar, longestBar = 10, 40
