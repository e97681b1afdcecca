// Package kernel has no code of its own: its test holds tcptrace against a
// judge that knows. On Linux, as root, it gives two hosts (network namespaces,
// joined by a veth pair) real TCP sockets, plays through every lasting state and
// every fault that tcptrace names, and records the wire. Then the states that
// tcptrace reads off the recording must be those that sock_diag(7) showed at the
// same moments on both hosts, and its findings must be what was done.
//
//	client                                   server
//	  socket                                   socket
//	    │  leaving: lost before the tap          │
//	    │  arriving: lost after the tap          │
//	   veth ── tap ─────────────────────────── veth
//
// A tap sees what is sent, not what arrives. Where kernel and wire must differ
// for that, a story says so, and why.
//
//	go test ./internal/kernel                   root: plays all stories, half a minute
//	go test ./internal/kernel -record DIR       keeps their recordings
package kernel
