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
// Where the kernel has the tracepoints (Linux 6.10, as root), random cases and TestReasons
// are also held against what the kernel says itself (internal/tracepoints): its reason for each RST,
// what it dropped and why, what it sent again; and against its counters (TcpExt). No finding may
// contradict these, nor count more than there was. docs/decisions/0016-processes.md has the table of the
// kernel's reasons beside the outcomes of reset-cause, and of its counters. Cases are told apart by their
// ports: one run at a time.
//
// TestWaits asks where the time went: applications that note when they slept, kernels that note
// what limited them (tcp_info), and a path of known delay, loss, rate and queue that notes
// when each packet was sent and arrived are the truth for the account of internal/waits, at
// three capture points.
//
//	go test ./internal/kernel -run Waits                    one connection of each kind: some seconds
//	go test ./internal/kernel -run Waits -waits 240 -v      the table of docs/time.md: a minute or two
//
// Some recordings are among the samples, and are checked on every system.
package kernel
