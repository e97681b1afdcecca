package detectors

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// OneHost reports whether both ends are on one host, by their loopback addresses: no path lies between them, and what the capture has of
// either has arrived (RFC 1122 3.2.1.3 g: such an address never leaves the host).
func OneHost(v fsm.View) bool {
	a, b := v.Endpoint(reassembly.A), v.Endpoint(reassembly.B)
	return a.AddrPort().Addr().Unmap().IsLoopback() && b.AddrPort().Addr().Unmap().IsLoopback()
}
