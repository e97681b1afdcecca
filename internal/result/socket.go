package result

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Socket is what a host's kernel says about one end of a connection.
type Socket struct {
	Side  reassembly.Side // the end that is local to the host
	At    int64           // when the kernel was asked, nanoseconds since 1970; 0 if that is unknown
	Until int64           // and when it last said the same
	State fsm.State       // the kernel's; LISTEN if there is only the socket that accepts connections

	// Recv and Send are Recv-Q and Send-Q: bytes that the program has not read, and bytes
	// that the peer has not acknowledged. A FIN counts as one byte in both. In LISTEN,
	// connections that wait to be accepted, and how many may wait.
	Recv, Send uint64

	Processes []Process
	Inode     uint64 // 0 if no program has it: not accepted yet, or closed
	UID       int64  // of its owner; -1 if unknown
	User      string // the name of that user, if it is known
	Cgroup    string // path of the control group; empty if unknown
	Unit      string // systemd unit or container that the path names; empty if none
	Timer     string // that runs, as ss calls it: "on" (retransmission), "keepalive", "timewait", "persist"; empty if none
	Retries   uint64 // of that timer, without an answer

	Ours    fsm.State // state of this end in the capture at that time
	Bounded bool      // it is an upper bound
	Agrees  Agreement
	Former  bool // Processes had it, and have closed it
	Gone    bool // the socket does not exist any more; this is what it was last
}

// A Process has a socket open.
type Process struct {
	Name    string // of the command, 15 bytes at most
	PID     int64
	FD      int64  // its descriptor of the socket
	Command string // the program that it runs, as a path; empty if unknown
}

// Agreement says whether the kernel's state is that of the capture.
type Agreement uint8

// An agreement is unknown if the capture shows no state at that time.
const (
	AgreementUnknown Agreement = iota
	Agree
	Disagree
)
