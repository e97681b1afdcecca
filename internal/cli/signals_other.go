//go:build !unix

package cli

import "os"

// stateSignals make a live capture print its state; this system has none.
var stateSignals []os.Signal

// hangups say that the terminal is gone; this system has none.
var hangups []os.Signal
