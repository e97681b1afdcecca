package detectors

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Multipath reports whether both SYNs agreed on Multipath TCP (RFC 8684): the connection is one of several that belong together, and
// what it says of windows and of the end of data is about all of them.
func Multipath(v fsm.View) bool {
	a, _ := v.SYNOptions(reassembly.A)
	b, _ := v.SYNOptions(reassembly.B)
	return a.Has&b.Has&reassembly.HasMPTCP != 0
}
