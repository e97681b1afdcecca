package textcap

import (
	"encoding/binary"
	"hash/fnv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// startsFortiGate recognises a line of FortiGate's diagnose sniffer packet, after
// its time: "10.0.0.1.40000 -> 10.0.0.2.443: syn 123", from level 4 on with the
// interface before it: "port1 in 10.0.0.1.40000 -> ...", or "port1 -- ...".
func startsFortiGate(rest string) bool {
	head, after, ok := strings.Cut(rest, " -> ")
	if !ok || !strings.Contains(after+" ", ": ") {
		return false
	}
	_, src := cutLast(head)
	return strings.Count(src, ".") >= 3 || strings.Contains(src, ":")
}

// fortigate reads such a line. It says nothing about lengths and windows: levels 2,
// 3, 5 and 6 have the bytes after it.
func (r *Reader) fortigate(p *printed, text string) {
	head, rest, _ := strings.Cut(text, " -> ")
	from, src := cutLast(head)
	dst, rest, _ := strings.Cut(rest+" ", ": ")
	words := strings.Fields(rest)
	if len(words) == 0 || fortiGateFlags[words[0]] == 0 {
		p.quoteLost = strings.Contains(rest, "unreachable")
		return
	}
	if !r.names.endpoint(&p.seg.Src, src) || !r.names.endpoint(&p.seg.Dst, dst) {
		p.vague = true
		return
	}
	for i := 0; i < len(words); i++ {
		flag, known := fortiGateFlags[words[i]]
		if !known {
			break
		}
		p.seg.Flags |= flag
		p.tcp = true
		if i+1 == len(words) {
			break
		}
		n, _, ok := cutNumber(words[i+1])
		if !ok {
			continue
		}
		i++
		if flag == reassembly.ACK {
			p.ack = n
		} else {
			p.seq, p.hasSeq = n, true
		}
	}
	p.space = spaceRaw
	p.interfaceMACs(strings.TrimSpace(from))
	p.lengthOpen = p.tcp
}

var fortiGateFlags = map[string]reassembly.Flags{
	"syn": reassembly.SYN, "fin": reassembly.FIN, "rst": reassembly.RST, "psh": reassembly.PSH, "ack": reassembly.ACK, "urg": reassembly.URG,
}

// lengthLookahead is how many packets are read to find out how long a segment is.
const lengthLookahead = 128

// findLength takes the length of a segment from what the same host sends next, or
// what the other acknowledges next, whichever is less far.
func (p *printed) findLength(later []*printed) {
	seg := &p.seg
	seg.Missing |= reassembly.MissingSeq
	if seg.Flags&reassembly.PSH == 0 || !p.hasSeq {
		return // data without PSH is printed like an ACK
	}
	const most = 65535
	best := uint32(most + 1)
	for _, q := range later {
		var to uint32
		switch {
		case q.seg.Src == seg.Src && q.seg.Dst == seg.Dst && q.hasSeq:
			to = q.seq
		case q.seg.Src == seg.Dst && q.seg.Dst == seg.Src && q.seg.Flags&reassembly.ACK != 0:
			to = q.ack
		default:
			continue
		}
		if n := to - p.seq; n > 0 && n < best {
			best = n
		}
	}
	seg.Len = 1 // at least
	if best <= most {
		seg.Len = best
	}
}

// interfaceMACs give the frames of each interface and direction addresses of their
// own, so that a packet on its way through the firewall is recognised.
func (p *printed) interfaceMACs(name string) {
	if name == "" || p.hasMACs {
		return
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	p.hasMACs = true
	p.macs[0] = [6]byte{2}
	binary.BigEndian.PutUint32(p.macs[0][2:], h.Sum32())
	p.macs[1] = p.macs[0]
	p.macs[1][1] = 1
}
