// Package host asks this machine's kernel which process has which TCP socket, and what the
// kernel itself did with segments: why it sent a RST, and dropped one.
//
// To see the descriptors of other processes needs rights that a process which analyses
// captures must not have: CAP_SYS_PTRACE, and no Landlock. So a helper process has them,
// and nothing else: it never sees a frame, and all that it reads from the analysing process are the two
// endpoints of a connection. It is started before the analysing process gives up its rights.
package host

import (
	"net/netip"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
)

// Argument is the only argument of a helper process.
const Argument = "--processes-helper"

// A question is about the socket at Local of a connection with Foreign.
type question struct{ Local, Foreign netip.AddrPort }

// An answer has no Socket if Local is not of this machine, or was not seen.
type answer struct {
	Socket *result.Socket
	Events []tracepoints.Event `json:",omitempty"` // what the kernel did with segments of the connection, in order
	Limits []string            // what could not be looked at, in sentences
}
