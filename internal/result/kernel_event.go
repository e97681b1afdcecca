package result

import "github.com/tcptrace-go/tcptrace/reassembly"

// A KernelEvent is what the kernel of this machine says that it did with segments of a connection,
// and why: tracepoints tcp:tcp_send_reset, skb:kfree_skb, tcp:tcp_retransmit_skb.
type KernelEvent struct {
	What   KernelEventKind
	From   reassembly.Side     // whose segments they are
	Reason string              // as the kernel names it: "NETFILTER_DROP"; empty of what was sent again
	Count  int                 // of the same in the time of the finding
	At     int64               // of the first, nanoseconds since 1970
	Seg    *reassembly.Segment // the first of the finding's evidence among them; nil if none is
}

// KernelEventKind is what a kernel did.
type KernelEventKind uint8

// The kinds.
const (
	SentReset KernelEventKind = iota
	Dropped
	SentAgain
)

// String is "rst-sent", "dropped" or "sent-again", as in JSON.
func (k KernelEventKind) String() string { return [...]string{"rst-sent", "dropped", "sent-again"}[k] }
