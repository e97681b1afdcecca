// Command tcptrace reports what went wrong in the TCP connections of a capture.
package main

import (
	"os"

	"github.com/tcptrace-go/tcptrace"
)

func main() { os.Exit(tcptrace.Main()) }
