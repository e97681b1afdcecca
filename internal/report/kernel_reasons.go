package report

// reasonWords say what the kernel's reasons mean that somebody may meet in a report: of
// enum sk_rst_reason (include/net/rstreason.h) and of enum skb_drop_reason
// (include/net/dropreason-core.h). Some are in both.
var reasonWords = map[string]string{
	"NO_SOCKET":                "no socket there",
	"TCP_FLAGS":                "the listening socket does not know the connection",
	"TCP_TIMEWAIT_SOCKET":      "the socket is in TIME_WAIT",
	"TCP_INVALID_ACK_SEQUENCE": "acknowledges what the socket has not sent",
	"TCP_ACK_UNSENT_DATA":      "acknowledges what the socket has not sent",
	"TCP_TOO_OLD_ACK":          "acknowledges what is long past",

	"TCP_ABORT_ON_CLOSE":       "the program closed the socket with data unread",
	"TCP_ABORT_ON_DATA":        "data came after the program had closed the socket",
	"TCP_ABORT_ON_LINGER":      "the program closed the socket, and may not wait for the peer's FIN",
	"TCP_ABORT_ON_MEMORY":      "too many sockets without a program, or too little memory for them",
	"TCP_STATE":                "aborted: SO_LINGER of 0, or ss -K",
	"TCP_KEEPALIVE_TIMEOUT":    "keep-alives were not answered",
	"TCP_DISCONNECT_WITH_DATA": "the program disconnected with data not sent",
	"INVALID_SYN":              "a SYN inside the window",

	"NETFILTER_DROP":       "a firewall rule of this host",
	"SOCKET_FILTER":        "a filter of the socket",
	"IP_RPFILTER":          "came in at an interface through which no route leads back (rp_filter)",
	"TCP_CSUM":             "wrong checksum",
	"SOCKET_RCVBUFF":       "the receive buffer is full",
	"SOCKET_BACKLOG":       "the program is busy with the socket, and too much waits for it",
	"PROTO_MEM":            "no memory left for TCP (tcp_mem)",
	"TCP_OVERWINDOW":       "beyond the window",
	"TCP_ZEROWINDOW":       "the window is 0",
	"TCP_OLD_DATA":         "the data had arrived before",
	"TCP_OLD_SEQUENCE":     "below the window",
	"TCP_INVALID_SEQUENCE": "outside the window",
	"TCP_OFOMERGE":         "out of order, and had arrived before",
	"TCP_OFO_QUEUE_PRUNE":  "out of order, and no memory for it",
	"TCP_OFO_DROP":         "out of order, and no memory for it",
	"TCP_RFC7323_PAWS":     "its timestamp is older than the last (PAWS)",
	"TCP_RFC7323_PAWS_ACK": "its timestamp is older than the last (PAWS)",
	"TCP_RFC7323_TSECR":    "echoes a timestamp that was not sent",
	"TCP_INVALID_SYN":      "a SYN inside the connection",
	"TCP_LISTEN_OVERFLOW":  "the queue of connections to be accepted is full",
	"TCP_MD5NOTFOUND":      "no MD5 signature",
	"TCP_MD5FAILURE":       "wrong MD5 signature",
}

// reason is a kernel's reason and, if it is a common one, what it means.
func reason(name string) string {
	if words := reasonWords[name]; words != "" {
		return "reason " + name + " (" + words + ")"
	}
	return "reason " + Clean(name)
}
