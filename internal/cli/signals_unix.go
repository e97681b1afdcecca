//go:build unix

package cli

import (
	"os"
	"syscall"
)

// stateSignals make a live capture print its state.
var stateSignals = []os.Signal{syscall.SIGUSR1}
