// This is tcptrace with one detector more: a module of its own, which needs nothing
// of the repository but its public packages.
package main

import (
	"os"

	"github.com/tcptrace-go/tcptrace"
)

func main() { os.Exit(tcptrace.Main(HurriedClose)) }
