package engine

import (
	"iter"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// oneISN says of SYNs that were refused, or not answered, that they are those of a port scan, however few: SYNs from one port to several
// ports of a host have the same ISN. A TCP chooses one for each connection (RFC 9293 3.4.1), so a program wrote them.
func oneISN(findings iter.Seq[*detectors.Finding]) {
	type source struct {
		client reassembly.Endpoint
		server [16]byte
		isn    reassembly.Seq
	}
	all := map[source]*ports{}
	of := func(f *detectors.Finding) (*reassembly.Segment, source) {
		for i := range f.Evidence {
			if syn := &f.Evidence[i].Seg; syn.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN {
				return syn, source{syn.Src, syn.Dst.Addr, syn.Seq}
			}
		}
		return nil, source{}
	}
	for f := range findings {
		if syn, s := of(f); isTry(f) && syn != nil {
			if all[s] == nil {
				all[s] = &ports{ids: map[uint16]uint16{}}
			}
			all[s].add(syn)
		}
	}
	for f := range findings {
		if !isTry(f) || f.Severity == detectors.Info {
			continue
		}
		if _, s := of(f); all[s] != nil && all[s].scanned() {
			f.OfOneISN(s.client, len(all[s].ids))
		}
	}
}

// isTry reports whether the finding is about a SYN that was refused or not answered.
func isTry(f *detectors.Finding) bool {
	return (f.Refusal || f.Tried) && f.Verdict == detectors.Seen
}

// ports are those to which SYNs went, with the IP ID of one to each.
type ports struct {
	ids map[uint16]uint16
}

func (p *ports) add(syn *reassembly.Segment) { p.ids[syn.Dst.Port] = syn.IPID }

// scanned reports whether they are several, and not a single SYN that was captured again with its port translated.
func (p *ports) scanned() bool {
	ids := map[uint16]bool{}
	for _, id := range p.ids {
		ids[id] = true
	}
	return len(p.ids) > 1 && (len(ids) > 1 || len(p.ids) > 2)
}
