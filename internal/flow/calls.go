package flow

import "github.com/tcptrace-go/tcptrace/reassembly"

// What socket_wrapper (of Samba's tests) puts into every header that it makes up: it records
// the calls of both ends on sockets (swrap_pcap_marshall_packet in socket_wrapper.c).
const (
	callID     = 0xffff
	callTTL    = 255
	callWindow = 0x7fff
)

// recordedCall reports whether the segment is no packet but the record of a call in which an
// application read what its peer had written, or a part of that. What was written is
// recorded before. Such connections run over local sockets, which lose nothing.
func recordedCall(f *Flow, seg *reassembly.Segment, side reassembly.Side) bool {
	return seg.IPID == callID && seg.TTL == callTTL && seg.Window == callWindow && seg.Opts.Has == 0 &&
		f.Conn.Repeats(seg, side) && f.Conn.View().Last(side).IPID == callID
}
