// Package kernel has no code of its own: its tests hold tcptrace against a judge
// that knows. On Linux, as root, they give two hosts (network namespaces, joined
// by a veth pair) real TCP sockets, play through every lasting state and every
// fault that tcptrace names, and record the wire. Then the states that tcptrace
// reads off the recording must be those that sock_diag(7) showed at the same
// moments on both hosts, and its findings must be what was done.
//
//	client                                      server
//	  sockets                                     sockets
//	  losses, leaving and arriving                losses, leaving and arriving
//	  eth0 ── tap ──────────────────────────────── eth0
//
// A tap sees what is sent, not what arrives. Where kernel and wire must differ
// for that, a story says so, and why.
//
//	go test ./internal/kernel                   plays all stories: ten seconds, as root
//	go test ./internal/kernel -record DIR       keeps the recordings and the kernels' words
//
// Some recordings are among the samples; they are judged on every system.
package kernel
