package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// interruptible returns a context that ends at the first signal to end, and then
// closes done.
func interruptible(done chan<- struct{}) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = untilSignal()
	context.AfterFunc(ctx, func() { close(done) })
	return ctx, stop
}

// untilSignal returns a context that ends at the first signal to end. A second one ends
// the process at once, without half a file.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	for _, s := range hangups {
		if !signal.Ignored(s) { // nohup
			signal.Notify(signals, s)
		}
	}
	over := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-over:
			return
		}
		cancel()
		select {
		case s := <-signals:
			output.DiscardAll()
			os.Exit(exitStatus(s))
		case <-over:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		cancel()
		close(over)
	})
}

// exitStatus is what a shell shows of a process that the signal ended.
func exitStatus(s os.Signal) int {
	if n, is := s.(syscall.Signal); is {
		return 128 + int(n)
	}
	return exitFailed
}
