package opening

// What is said where both ends are on one host.
const (
	saidOneHost = " Both ends are on one host: no path lost or delayed what was captured."

	causeOneHostACK  = "The client was busy or suspended, or a program makes its segments itself; or a filter or queue of the host dropped the SYN-ACK or its ACK."
	actionOneHostACK = "Look at the client's program and at the host's load at that time, then at its packet filters (nft list ruleset, iptables -S) and queues (tc -s qdisc show dev lo)."

	causeOneHostSYN  = "The server's accept queue was full, and its kernel dropped the SYN (Linux); or the host stood still; or a filter or queue of the host dropped the SYN or its SYN-ACK."
	actionOneHostSYN = "Look at the server's queue: ss -ltn, nstat TcpExtListenOverflows, TcpExtListenDrops. Then look at the host's packet filters (nft list ruleset, iptables -S) and queues (tc -s qdisc show dev lo)."

	causeOneHostSlow  = "The host was busy or stood still at that moment; or a queue or filter of its own (tc netem and other tests) delayed or dropped what came first, and it came again."
	actionOneHostSlow = "Look at the host's load at that time, and at its queues (tc -s qdisc show dev lo) and packet filters (nft list ruleset, iptables -S)."
)
