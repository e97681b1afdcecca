package evidence

import (
	"encoding/binary"
	"sort"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// tcpHeader finds where in the frame's bytes the TCP header of its segment, or of the
// one that it quotes, begins and ends; from is -1 if the segment came in fragments. It
// searches for the shortest part of the frame that the decoder accepts: that ends with
// the window field, 16 bytes into the TCP header, or with the sequence number of a quote.
func tcpHeader(fr *capture.Frame, seg *reassembly.Segment) (from, to int) {
	needed := 16
	if seg.IsQuote() {
		needed = 8
	}
	n := sort.Search(len(fr.Data), func(n int) bool { return decodes(fr, n) })
	from = n - needed
	if from < 0 || !decodes(fr, n) {
		return -1, 0
	}
	h := fr.Data[from:n]
	if binary.BigEndian.Uint16(h) != seg.Src.Port || binary.BigEndian.Uint16(h[2:]) != seg.Dst.Port {
		return -1, 0
	}
	if len(fr.Data) <= from+12 { // a quote of eight bytes
		return from, len(fr.Data)
	}
	return from, min(from+int(fr.Data[from+12]>>4)*4, len(fr.Data))
}

// decodes reports whether the first n bytes of the frame are enough to read its
// segment from.
func decodes(fr *capture.Frame, n int) bool {
	var d decode.Decoder // without fragments of other frames
	var seg reassembly.Segment
	why := d.Decode(uint32(fr.Link), fr.Data[:n], fr.Len, fr.At, &seg)
	return why == decode.OK || why == decode.ICMPError
}
