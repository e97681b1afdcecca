package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// connect accounts for a segment until the handshake is complete: the first of the
// client that is no SYN completes it. What repeats waits for what was lost.
func (s *step) connect(class fsm.Class) {
	seg := s.seg
	switch {
	case class == fsm.Rst:
		s.move(detectors.Connect)
		s.give(detectors.Connect, seg.At)
		s.phase = closing
		return
	case class == fsm.Syn && s.own.sent != 0: // a repeat
		s.give(detectors.Loss, seg.At)
		s.own.sent = seg.At
		return
	case class == fsm.Syn:
		s.give(detectors.Connect, seg.At)
		s.own.sent = seg.At
		return
	}
	s.give(detectors.Connect, seg.At)
	if s.side == reassembly.B { // a server that speaks before the handshake is complete, as the tap sees it
		if seg.Len == 0 {
			return
		}
	}
	s.provisional = 0
	s.opened(seg.At, s.conn.View())
	if seg.Len > 0 {
		s.process(class, reassembly.Fresh, 0)
	} else if seg.Flags&reassembly.FIN != 0 {
		s.phase = closing
	}
}

// opened notes the end of the handshake: its last segment counts as the client's.
func (a *Account) opened(at int64, v fsm.View) {
	a.phase, a.turn = running, reassembly.A
	for side := range reassembly.Side(2) {
		e := &a.ends[side]
		if ns := int64(v.HandshakeRTT(side)); ns > 0 && (e.rtt == 0 || ns < e.rtt) {
			e.rtt = ns
		}
		e.sent = at
	}
	last := v.Last(reassembly.B)
	a.ends[reassembly.B].ids.own = last.Flags.Has(reassembly.SYN) && last.IPID == 0 && last.At != 0
	a.setQuick()
	if _, known := v.WindowScale(reassembly.A); known {
		a.blind = detectors.ReceiverWindow
	}
}
