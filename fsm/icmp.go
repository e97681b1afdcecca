package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// Quotes reports whether an ICMP error that quotes a segment of the side is credible: the
// quoted sequence number lies between SND.UNA and SND.NXT, which nobody knows off the path
// (RFC 5927 4), or is that of what the side sent last, as a keep-alive's is. An error
// about what was acknowledged meanwhile says nothing, either.
func (c *Conn) Quotes(seg *reassembly.Segment, side reassembly.Side) bool {
	own := &c.ends[side]
	if own.packets == 0 {
		return false
	}
	low := own.out.ISS
	if own.out.Knows(reassembly.KnowUna) {
		low = own.out.Una
	}
	return low.AtOrBefore(seg.Seq) && seg.Seq.AtOrBefore(own.out.Nxt) || seg.Seq == own.last.Seq
}

// Quote fills ev with what an ICMP error that quotes a segment of the side brings: it
// proves nothing about either end, whose state stays as it was.
func (c *Conn) Quote(seg *reassembly.Segment, side reassembly.Side, ev *Events) {
	ev.reset(c, seg)
	c.noteMissing(seg.Missing)
	ev.add(ICMPError, side, 0)
}
