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
//	go test ./internal/kernel -run Random -timeout 0 -stories 1000 -seed 1 -record DIR
//
// The last plays stories that are drawn by lot, sixty at a time: a thousand take
// one or two minutes, most of which they wait. Here the wire itself is the
// judge's (two TUN devices): it loses, delays and doubles what it is told to, and
// knows of each segment when it was sent, seen and received. Stories in which the
// kernel, the wire and tcptrace disagree, or in which a finding is not what was
// done, are kept in DIR: N.pcap, and N.txt with all that is known. `-seed N
// -stories 1` plays the plot of one again. No machine is told to play them all:
// clocks and kernels vary.
//
// Some recordings are among the samples; they are judged on every system.
package kernel
