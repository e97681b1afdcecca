package kernel

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A direction is one direction as seen on the wire.
type direction struct {
	syn, synAcked, fin, finAcked, second, reset bool
	iss, next, end                              reassembly.Seq
}

// nearest is the connection to which a segment belongs. No window of a case is larger than
// the distance at which it belongs to none.
func nearest(lives []*[2]direction, x *packet) (best *[2]direction) {
	least := int32(1 << 20)
	for _, l := range lives {
		d := int32(0)
		refusal := x.seg.Flags.Has(reassembly.RST|reassembly.ACK) && x.seg.Seq == 0 // RFC 9293 3.10.7.1
		if own := &l[x.from]; own.syn && !refusal {
			d = max(d, own.next.To(x.seg.Seq), x.seg.Seq.To(own.next))
		}
		if peer := &l[1-x.from]; peer.syn && x.seg.Flags&reassembly.ACK != 0 {
			d = max(d, peer.next.To(x.seg.Ack), x.seg.Ack.To(peer.next))
		}
		if d <= least {
			best, least = l, d
		}
	}
	return best
}

// wireStates are the states of both sides if everything that the tap saw arrived
// immediately, by RFC 9293 figure 5: an independent implementation. RSTs count only
// if withRSTs.
func (p *randomCase) wireStates(at int64, withRSTs, newest bool) (states [2]string) {
	var lives []*[2]direction // successive connections on the ports
	for _, x := range p.seen() {
		if x.tapped > at {
			break
		}
		seg := &x.seg
		l := nearest(lives, x)
		if l == nil && len(lives) > 0 && seg.Flags&reassembly.SYN == 0 {
			continue // of a connection of which nothing else was captured
		}
		if opens := seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN; l == nil || opens && l[x.from].syn && l[x.from].iss != seg.Seq {
			l = new([2]direction)
			lives = append(lives, l)
		}
		own, peer := &l[x.from], &l[1-x.from]
		if seg.Flags&reassembly.RST != 0 {
			own.reset = own.reset || withRSTs
			continue
		}
		switch {
		case seg.Flags&reassembly.SYN != 0:
			if own.syn && own.iss != seg.Seq {
				*own = direction{}
			}
			own.syn, own.iss = true, seg.Seq
		case !own.syn:
			own.syn, own.synAcked, own.iss = true, true, seg.Seq-1
		}
		own.next = seg.End()
		if seg.Flags&reassembly.ACK != 0 {
			if !peer.syn {
				peer.syn, peer.iss, peer.next = true, seg.Ack-1, seg.Ack
			}
			peer.synAcked = peer.synAcked || seg.Ack.After(peer.iss)
			peer.finAcked = peer.finAcked || peer.fin && seg.Ack.After(peer.end)
		}
		if seg.Flags&reassembly.FIN != 0 && !own.fin {
			own.fin, own.end, own.second = true, seg.FINSeq(), peer.finAcked
		}
	}
	for i := range states {
		l := new([2]direction)
		for _, newer := range lives {
			if newer[i].syn || newest {
				l = newer
			}
		}
		own, peer := &l[i], &l[1-i]
		s := fsm.Closed
		switch {
		case own.reset || peer.reset || !own.syn:
		case own.fin && own.finAcked && peer.finAcked && !own.second:
			s = fsm.TimeWait
		case own.fin && own.finAcked && peer.finAcked:
		case own.fin && own.finAcked:
			s = fsm.FinWait2
		case own.fin && peer.finAcked && own.second:
			s = fsm.LastAck
		case own.fin && peer.finAcked:
			s = fsm.Closing
		case own.fin:
			s = fsm.FinWait1
		case peer.finAcked:
			s = fsm.CloseWait
		case own.synAcked && peer.synAcked:
			s = fsm.Established
		case peer.synAcked:
			s = fsm.SynReceived
		default:
			s = fsm.SynSent
		}
		states[i] = s.String()
	}
	return states
}
