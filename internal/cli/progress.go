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

// ofPipe is what is known while a pipe is read, whose length is not.
const ofPipe pb.ProgressBarTemplate = `{{counters . }} {{speed . }} {{etime . }}`

// showProgress shows a progress bar if standard error is a terminal, and returns a
// function that removes it. Of a pipe it has no bar, and does not appear where findings do.
func (c *command) showProgress(trace source.Trace) (hide func()) {
	_, total := trace.Progress()
	if c.flags.noBar || c.flags.quiet || !isTerminal(c.env.Stderr) || total == 0 && c.toStdout() && isTerminal(c.env.Stdout) {
		return func() {}
	}
	form := pb.Full
	if total == 0 {
		form = ofPipe
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
		bar := form.New(0).SetTotal(total).Set(pb.Bytes, true).Set(pb.CleanOnFinish, true).SetWriter(c.env.Stderr).Start()
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
