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
// are also held against the kernel's own reasons for each RST and against what it says that it
// sent again. Of 2,800 random cases:
//
//	kernel (sk_rst_reason)     tcptrace (reset-cause)
//	TCP_ABORT_ON_CLOSE         unread-data, aborted: the wire does not show what was read
//	TCP_STATE                  aborted, unread-data; handshake-reset ("ended it with a RST")
//	TCP_KEEPALIVE_TIMEOUT      aborted
//	TCP_ABORT_ON_DATA          data-after-close; half-open (undecided) if a closed window held the FIN back
//	TCP_TIMEWAIT_SOCKET        data-after-close
//	TCP_INVALID_ACK_SEQUENCE   half-open, data-after-close, stale: from a socket in SYN_SENT on the same ports
//	TCP_FLAGS                  half-open, keepalive-refused, data-after-close: from a socket in LISTEN
//	NO_SOCKET                  refused, handshake-reset, half-open, keepalive-refused, data-after-close, stale:
//	                           the kernel does not know what became of the socket, the wire shows it
//	any of the last three      aborted ("its socket was gone"): a FIN met a host that had closed and forgotten
//
// A SYN-ACK that follows a SYN (simultaneous open) counts as a retransmission here and not there.
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
