//go:build unix

package cli

import (
	"os"
	"syscall"
)

// stateSignals ask for the state of things.
var stateSignals = []os.Signal{syscall.SIGUSR1}
