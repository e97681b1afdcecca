// Package tracepoints reads what a Linux kernel says about its own TCP: for which reason it
// sent a RST, which segment it dropped and why, and what it sent again.
//
// Four small BPF programs copy that from the tracepoints tcp:tcp_send_reset (with reasons since
// Linux 6.10), skb:kfree_skb (since 5.17), tcp:tcp_retransmit_skb and tcp:tcp_retransmit_synack
// into a ring. The text of tracefs would do for all but the dropped segments, of which it says
// neither addresses nor numbers. Where the fields of the kernel's structures lie, and what its
// reasons are called, comes from the kernel's own description (BTF).
package tracepoints

import "net/netip"

// Kind is what a kernel did with a segment.
type Kind uint8

// The kinds.
const (
	SentReset     Kind = iota // it sent a RST
	Dropped                   // it dropped the segment
	Retransmitted             // it sent the segment again
)

// An Event is one segment with which a kernel did something.
type Event struct {
	At       int64 // nanoseconds since 1970
	Kind     Kind
	Src, Dst netip.AddrPort // of the RST, of the dropped segment, or of what was sent again
	// Seq, Ack, Flags (as in the TCP header) and Len (payload, in bytes) are those of a
	// dropped segment; of a RST, those of the segment that it answers, if HasSegment; Seq and
	// Len are known of what was sent again, except a SYN-ACK.
	Seq, Ack   uint32
	Flags      uint8
	Len        uint32
	HasSegment bool
	Reason     string // of a RST (enum sk_rst_reason) or a drop (enum skb_drop_reason): "NETFILTER_DROP"
	State      uint8  // of the socket (include/net/tcp_states.h); 0 without one
}
