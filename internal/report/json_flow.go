package report

import (
	"strconv"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// appendFlow appends the fields of one connection's row, without the braces.
func appendFlow(b []byte, f *result.Flow) []byte {
	b = appendUintField(b, "id", f.ID)
	b = appendEndpointField(b, "a", f.End[reassembly.A])
	b = appendEndpointField(b, "b", f.End[reassembly.B])
	b = appendStringField(b, "initiator", f.Initiator.String())
	b = appendStringField(b, "state_a", f.State[reassembly.A].String())
	b = appendStringField(b, "state_b", f.State[reassembly.B].String())
	b = appendBoolField(b, "bounded_a", f.Bounded[reassembly.A])
	b = appendBoolField(b, "bounded_b", f.Bounded[reassembly.B])
	b = appendStringField(b, "ending", f.Ending)
	b = appendTimeField(b, "first", f.First)
	b = appendTimeField(b, "last", f.Last)
	b = appendUintField(b, "packets_a2b", f.Packets[reassembly.A])
	b = appendUintField(b, "packets_b2a", f.Packets[reassembly.B])
	b = appendUintField(b, "bytes_a2b", f.Bytes[reassembly.A])
	b = appendUintField(b, "bytes_b2a", f.Bytes[reassembly.B])
	b = appendUintField(b, "retransmissions_a2b", f.Rexmits[reassembly.A])
	b = appendUintField(b, "retransmissions_b2a", f.Rexmits[reassembly.B])
	b = appendKey(b, "rtt_s")
	if f.RTT != 0 {
		b = appendSeconds(b, f.RTT)
	} else {
		b = append(b, "null"...)
	}
	b = appendStringField(b, "history", f.History)
	b = appendLimits(b, f.Limits)
	b = appendUintField(b, "copies", f.Copies)
	if f.TCB != nil {
		b = appendTCB(appendKey(b, "tcb_a"), &f.TCB[reassembly.A])
		b = appendTCB(appendKey(b, "tcb_b"), &f.TCB[reassembly.B])
	}
	return b
}

// appendLimits appends the limits of a flow or a finding. Most have none, and
// then Names would be the row's only allocation.
func appendLimits(b []byte, l fsm.Limits) []byte {
	if l == 0 {
		return append(appendKey(b, "limits"), "[]"...)
	}
	return appendStringsField(b, "limits", l.Names())
}

// appendTCB appends one end's control block; what the wire did not tell is null.
func appendTCB(b []byte, t *fsm.TCB) []byte {
	knows := func(f fsm.TCBField) bool { return t.Known&f != 0 }
	number := func(name string, known bool, v uint64) {
		b = appendKey(b, name)
		if known {
			b = strconv.AppendUint(b, v, 10)
		} else {
			b = append(b, "null"...)
		}
	}
	seconds := func(name string, known bool, ns int64) {
		b = appendKey(b, name)
		if known {
			b = appendSeconds(b, ns)
		} else {
			b = append(b, "null"...)
		}
	}
	b = append(b, '{')
	number("iss", knows(fsm.KnowISS), uint64(t.ISS))
	number("irs", knows(fsm.KnowIRS), uint64(t.IRS))
	number("snd_una", knows(fsm.KnowSndUna), uint64(t.SndUna))
	number("snd_nxt", knows(fsm.KnowSndNxt), uint64(t.SndNxt))
	number("snd_wnd", knows(fsm.KnowSndWnd), uint64(t.SndWnd))
	number("snd_wnd_max", knows(fsm.KnowSndWnd), uint64(t.MaxWnd))
	number("snd_wl1", knows(fsm.KnowSndWL), uint64(t.SndWL1))
	number("snd_wl2", knows(fsm.KnowSndWL), uint64(t.SndWL2))
	number("rcv_nxt", knows(fsm.KnowRcvNxt), uint64(t.RcvNxt))
	number("rcv_wnd", knows(fsm.KnowRcvWnd), uint64(t.RcvWnd))
	number("snd_scale", knows(fsm.KnowSndScale), uint64(t.SndScale))
	number("rcv_scale", knows(fsm.KnowRcvScale), uint64(t.RcvScale))
	number("mss", knows(fsm.KnowMSS), uint64(t.MSS))
	seconds("srtt_s", knows(fsm.KnowRTT), t.SRTT)
	seconds("rttvar_s", knows(fsm.KnowRTT), t.RTTVar)
	seconds("rto_s", true, t.RTO)
	number("retransmissions", true, uint64(t.Rexmits))
	b = appendBoolField(b, "probing", t.Probing)
	number("probes", true, uint64(t.Probes))
	number("fin", knows(fsm.KnowFIN), uint64(t.FIN))
	number("last_ack_sent", knows(fsm.KnowLastAck), uint64(t.LastAckSent))
	b = appendKey(b, "active_open")
	if knows(fsm.KnowOpener) {
		b = strconv.AppendBool(b, t.ActiveOpen)
	} else {
		b = append(b, "null"...)
	}
	b = appendStringsField(b, "timers", t.Timers)
	return append(b, '}')
}
