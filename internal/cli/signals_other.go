//go:build !unix

package cli

import "os"

// stateSignals ask for the state of things; this system has none.
var stateSignals []os.Signal
