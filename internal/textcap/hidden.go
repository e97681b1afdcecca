package textcap

import (
	"net/netip"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// hidden are segments of which the text shows something else: what is above TCP, in a packet list, or
// nothing but their length, as with tcpdump -q. What their hosts send afterwards is not all that they sent.
type hidden struct {
	n     uint64
	hosts map[reassembly.Key]bool // without ports, which most of these lines do not have
	any   bool                    // such a segment may be of any hosts
}

// add notes a segment of which only the hosts are known, if they are.
func (h *hidden) add(seg *reassembly.Segment) {
	h.n++
	if seg.Src.Addr == [16]byte{} || seg.Dst.Addr == [16]byte{} || len(h.hosts) >= maxConns {
		h.any, h.hosts = true, nil
	}
	if h.any {
		return
	}
	if h.hosts == nil {
		h.hosts = map[reassembly.Key]bool{}
	}
	h.hosts[hostsOf(seg)] = true
}

// concern reports whether one of them may be of the connection of a segment.
func (h *hidden) concern(seg *reassembly.Segment) bool { return h.any || h.hosts[hostsOf(seg)] }

func hostsOf(seg *reassembly.Segment) reassembly.Key {
	key, _ := reassembly.KeyOf(&reassembly.Segment{Src: reassembly.Endpoint{Addr: seg.Src.Addr}, Dst: reassembly.Endpoint{Addr: seg.Dst.Addr}})
	return key
}

// hosts notes the hosts of a segment, if both are known.
func (p *printed) hosts(src, dst netip.Addr) {
	if src.IsValid() && dst.IsValid() {
		p.seg.Src = reassembly.EndpointFrom(netip.AddrPortFrom(src.WithZone(""), 0))
		p.seg.Dst = reassembly.EndpointFrom(netip.AddrPortFrom(dst.WithZone(""), 0))
	}
}
