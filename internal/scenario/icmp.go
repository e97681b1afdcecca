package scenario

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// icmp reads "ADDR TYPE/CODE [mtu N] FIRST:END(LEN)" after "icmp": who sent the error,
// which it is, and what of the segment it quotes.
func (s *scanner) icmp(seg *reassembly.Segment, seqBase reassembly.Seq) {
	w := s.word("the address that sent the ICMP error")
	addr, err := netip.ParseAddr(w)
	if err != nil || addr.Zone() != "" || addr.Unmap().Is6() != isIPv6(seg.Src) {
		s.fail("%q is not an address of the same family as the hosts'", clip(w))
		return
	}
	kind, code, _ := strings.Cut(s.word("TYPE/CODE"), "/")
	seg.ICMP.Type = uint8(s.number("the ICMP type", kind, 1, math.MaxUint8))
	seg.ICMP.Code = uint8(s.number("the ICMP code", code, 0, math.MaxUint8))
	if s.keyword("mtu") {
		seg.SetMTU(uint16(s.number("mtu", s.word("the number of mtu"), 0, math.MaxUint16)))
	}
	if s.err == nil && !isError(seg) {
		s.fail("%d/%d is not an ICMP error that quotes a packet: write 3/N, 11/N or 12/N, in IPv6 1/N to 4/N", seg.ICMP.Type, seg.ICMP.Code)
	}
	if seg.MTU() != 0 && !seg.TooBig() {
		s.fail("only 3/4, in IPv6 2/0, tells an mtu")
	}
	first, length := s.span(s.word("FIRST:END(LEN)"))
	if length > math.MaxUint16-60 {
		s.fail("a quoted packet has at most 65,535 bytes")
	}
	seg.Seq, seg.Len = seqBase+reassembly.Seq(first), length
	seg.SetReporter(addr.As16())
}

// isError reports whether the decoder knows the type.
func isError(seg *reassembly.Segment) bool {
	t := seg.ICMP.Type
	if isIPv6(seg.Src) {
		return t >= 1 && t <= 4
	}
	return t == 3 || t == 11 || t == 12
}

// appendICMP writes an ICMP error as icmp reads it.
func appendICMP(dst []byte, seg *reassembly.Segment, seqBase reassembly.Seq) []byte {
	dst = append(append(dst, "icmp "...), seg.ReporterName()...)
	dst = strconv.AppendUint(append(dst, ' '), uint64(seg.ICMP.Type), 10)
	dst = strconv.AppendUint(append(dst, '/'), uint64(seg.ICMP.Code), 10)
	if seg.MTU() != 0 {
		dst = strconv.AppendUint(append(dst, " mtu "...), uint64(seg.MTU()), 10)
	}
	return appendSpan(append(dst, ' '), seg, seqBase)
}
