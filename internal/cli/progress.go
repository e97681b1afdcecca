//go:build !js

package cli

import (
	"time"

	"github.com/cheggaaa/pb/v3"

	"github.com/tcptrace-go/tcptrace/internal/source"
)

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
