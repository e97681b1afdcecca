package path

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is captured before segmentation offload leaves its host in pieces: its size is that of no packet.

const (
	defaultMSS  = 536  // where no SYN says another (RFC 9293 3.7.1)
	ethernetMSS = 1460 // where the MTU is 1500
	jumboMSS    = 9216 // of no usual link
	stampRoom   = 12   // timestamps with padding (RFC 7323 appendix A)
)

// wire is the payload of the largest packet of a segment with so much of it. Without a captured MSS, only what no usual link
// carries is known to be cut.
func wire(payload uint32, stamped bool, v fsm.View) uint32 {
	mss := v.EffSndMSS()
	switch {
	case mss > defaultMSS:
	case payload > jumboMSS:
		mss = ethernetMSS
	default:
		return payload
	}
	if stamped && payload > mss {
		mss -= stampRoom
	}
	return min(payload, mss)
}

// wireOf is wire of a segment.
func wireOf(seg *reassembly.Segment, v fsm.View) uint32 {
	return wire(seg.Len, seg.Opts.Has&reassembly.HasTimestamps != 0, v)
}

// quotedLen is the length of the packet that a router quotes, as it was on the wire.
func quotedLen(quote *reassembly.Segment, v fsm.View) uint32 {
	return quote.PacketLen() - quote.Len + wire(quote.Len, false, v)
}
