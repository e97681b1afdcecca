// Package kernel has no code of its own. Its tests compare tcptrace with what Linux
// kernels know. As root, they give real TCP sockets to two hosts (network namespaces
// joined by a veth pair), run cases for every lasting state and every fault that
// tcptrace names, and record the frames. Then the states that tcptrace derives from
// the recording must be those that sock_diag(7) showed on both hosts at the same
// time, and its findings must be what was done.
//
//	client                                      server
//	  sockets                                     sockets
//	  losses, leaving and arriving                losses, leaving and arriving
//	  eth0 ── tap ──────────────────────────────── eth0
//
// A tap sees what is sent, not what arrives. If kernel and wire must differ for
// that reason, the case says so, and why.
//
//	go test ./internal/kernel                   runs all cases: ten seconds, as root
//	go test ./internal/kernel -record DIR       keeps the recordings and the kernels' states
//	go test ./internal/kernel -run Random -timeout 0 -random 1000 -seed 1 -record DIR
//
// The last runs random cases, sixty at a time. A thousand take one or two minutes,
// mostly waiting. Here the test itself is the wire (two TUN devices): it loses,
// delays and duplicates packets, and knows when each was sent, captured and
// received. If the kernel, the wire and tcptrace disagree, or if a finding is not
// what was done, the case is kept in DIR: N.pcap, and N.txt with everything that is
// known. `-seed N -random 1` runs the actions of a case again. CI does not run
// these: clocks and kernels vary.
//
// Some recordings are among the samples, and are checked on every system.
package kernel
