// Package sockets joins what a host's kernel says about its sockets to the connections
// of a capture: records of ss -tanpeio, taken on that host while the capture ran.
//
// A capture shows what was sent; the kernel knows for which process, what that process
// has not read, and which state it is really in. Where its state is not the one that
// the capture leads to, a segment was lost or ignored behind the capture point.
package sockets
