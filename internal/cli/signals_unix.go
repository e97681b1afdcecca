//go:build unix

package cli

import (
	"os"
	"syscall"
)

// stateSignals make a live capture print its state.
var stateSignals = []os.Signal{syscall.SIGUSR1}

// hangups say that the terminal is gone: ssh was lost.
var hangups = []os.Signal{syscall.SIGHUP}
