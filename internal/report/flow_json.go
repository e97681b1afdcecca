package report

import (
	"io"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FlowJSON writes the report of one connection, as JSON does, with the steps
// that were kept of it.
func FlowJSON(w io.Writer, r *result.Report, steps []result.Step, o Options) error {
	out, f := newJSONWriter(w), &r.Flows[0]
	out.report(r, &o)
	out.write(func(b object) object {
		return b.line().uint("timeline_left_out", f.Packets[0]+f.Packets[1]-uint64(len(steps))).open("timeline", '[')
	})
	rows(out, steps, fields{r: r, o: &o}.step)
	return out.end()
}

func (b object) flow(f *result.Flow, r *result.Report) object {
	const A, B = reassembly.A, reassembly.B
	b = b.uint("id", f.ID).endpoint("a", f.End[A]).endpoint("b", f.End[B]).str("initiator", f.Initiator.String()).
		str("state_a", f.State[A].String()).str("state_b", f.State[B].String()).
		bool("bounded_a", f.Bounded[A]).bool("bounded_b", f.Bounded[B]).
		str("ending", f.Ending).time("first", f.First).time("last", f.Last).
		uint("packets_a2b", f.Packets[A]).uint("packets_b2a", f.Packets[B]).
		uint("bytes_a2b", f.Bytes[A]).uint("bytes_b2a", f.Bytes[B]).
		uint("retransmissions_a2b", f.Rexmits[A]).uint("retransmissions_b2a", f.Rexmits[B]).
		seconds("rtt_s", f.RTT != 0, f.RTT).str("history", f.History).str("closed_first", [...]string{"", "a", "b"}[f.ClosedFirst]).limits(f.Limits).uint("copies", f.Duplicates)
	if t := f.Time; t != nil {
		b = b.account(t, r.Near(t))
	}
	if f.TCB != nil {
		b = b.key("tcb_a").tcb(&f.TCB[A]).key("tcb_b").tcb(&f.TCB[B])
	}
	return b
}

// tcb is one end's control block; what the capture does not show is null.
func (b object) tcb(t *fsm.TCB) object {
	number := func(name string, field fsm.TCBField, v uint64) {
		if b = b.key(name); t.Known&field != 0 {
			b = b.number(v)
		} else {
			b = append(b, "null"...)
		}
	}
	b = append(b, '{')
	number("iss", fsm.KnowISS, uint64(t.ISS))
	number("irs", fsm.KnowIRS, uint64(t.IRS))
	number("snd_una", fsm.KnowSndUna, uint64(t.SndUna))
	number("snd_nxt", fsm.KnowSndNxt, uint64(t.SndNxt))
	number("snd_wnd", fsm.KnowSndWnd, uint64(t.SndWnd))
	number("snd_wnd_max", fsm.KnowSndWnd, uint64(t.MaxWnd))
	number("snd_wl1", fsm.KnowSndWL, uint64(t.SndWL1))
	number("snd_wl2", fsm.KnowSndWL, uint64(t.SndWL2))
	number("rcv_nxt", fsm.KnowRcvNxt, uint64(t.RcvNxt))
	number("rcv_wnd", fsm.KnowRcvWnd, uint64(t.RcvWnd))
	number("snd_scale", fsm.KnowSndScale, uint64(t.SndScale))
	number("rcv_scale", fsm.KnowRcvScale, uint64(t.RcvScale))
	number("mss", fsm.KnowMSS, uint64(t.MSS))
	b = b.seconds("srtt_s", t.Known&fsm.KnowRTT != 0, t.SRTT).seconds("rttvar_s", t.Known&fsm.KnowRTT != 0, t.RTTVar).seconds("rto_s", true, t.RTO)
	b = b.uint("retransmissions", uint64(t.Rexmits)).bool("probing", t.Probing).uint("probes", uint64(t.Probes))
	number("fin", fsm.KnowFIN, uint64(t.FIN))
	number("last_ack_sent", fsm.KnowLastAck, uint64(t.LastAckSent))
	if t.Known&fsm.KnowOpener != 0 {
		b = b.bool("active_open", t.ActiveOpen)
	} else {
		b = append(b.key("active_open"), "null"...)
	}
	return b.strings("timers", t.Timers).close('}')
}

func (w fields) flow(b object, f *result.Flow) object {
	b = b.flow(f, w.r)
	if len(w.r.Taps) > 0 {
		b = b.perTap(f, w.r)
	}
	if len(f.Sockets) > 0 {
		b = b.sockets(f, f.Sockets)
	}
	return b
}
