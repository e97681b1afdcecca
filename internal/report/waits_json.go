package report

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// seconds9 is a duration in seconds with nine decimals, so that sums can be checked.
func (b object) seconds9(name string, ns int64) object {
	return appendSeconds9(b.key(name), ns)
}

func appendSeconds9(b []byte, ns int64) []byte {
	if ns < 0 {
		b, ns = append(b, '-'), -ns
	}
	b = object(b).number(uint64(ns) / 1e9)
	b = append(b, '.')
	for unit := int64(1e8); unit > 0; unit /= 10 {
		b = append(b, '0'+byte(ns/unit%10))
	}
	return b
}

// account is where the time of a connection went.
func (b object) account(t *waits.Record, near uint64) object {
	b = b.waits("waits", &t.Waits).time("waits_from", t.From).time("waits_to", t.To).str("waits_unknown", t.Unknown.String()).
		seconds("rtt_a_s", t.RTT[reassembly.A] != 0, t.RTT[reassembly.A]).seconds("rtt_b_s", t.RTT[reassembly.B] != 0, t.RTT[reassembly.B]).
		open("longest", '[')
	for i := range t.Longest {
		x := &t.Longest[i]
		b = b.element().str("wait", x.Wait.String()).time("start", x.Start).time("end", x.End).open("frames", '[')
		b = b.comma().number(result.Whole(x.Frame[0], near)).comma().number(result.Whole(x.Frame[1], near)).close(']').close('}')
	}
	b = b.close(']').exchanges(&t.Exchanges, near).open("transfers", '[')
	for i := range t.Transfers {
		b = b.element().transfer(&t.Transfers[i]).close('}')
	}
	b = b.close(']').uint("transfers_omitted", uint64(t.Omitted))
	return b.key("figures_a").figures(&t.Figures[reassembly.A]).key("figures_b").figures(&t.Figures[reassembly.B])
}

// figures are one side's.
func (b object) figures(f *waits.Figures) object {
	b = append(b, '{').sizes("segment_bytes", &f.Sizes).sizes("window_bytes", &f.Windows).sizes("flight_bytes", &f.Flight)
	known := f.RTT.N > 0
	return b.uint("rtt_samples", f.RTT.N).seconds("rtt_min_s", known, f.RTT.Min).seconds("rtt_mean_s", known, f.RTT.Mean()).
		seconds("rtt_max_s", known, f.RTT.Max).seconds("rtt_stdev_s", f.RTT.N > 1, f.RTT.Deviation()).
		seconds("idle_max_s", true, f.IdleMax).uint("duplicate_acks", uint64(f.DupAcks)).uint("triple_duplicate_acks", uint64(f.TripleAcks)).
		uint("out_of_order", uint64(f.OutOfOrder)).uint("dsacks", uint64(f.DSACKs)).close('}')
}

// sizes are least, mean and most; null where there are none.
func (b object) sizes(name string, s *waits.Sizes) object {
	if s.N == 0 {
		return append(b.key(name), "null"...)
	}
	return b.open(name, '{').uint("min", uint64(s.Min)).uint("mean", s.Mean()).uint("max", uint64(s.Max)).close('}')
}

func (b object) waits(name string, w *detectors.Waits) object {
	b = b.open(name, '{')
	for i, ns := range w {
		b = b.seconds9(detectors.Wait(i).String(), ns)
	}
	return b.close('}')
}

func (b object) exchanges(e *waits.Exchanges, near uint64) object {
	q := &e.Responses
	known := q.Len() > 0
	b = b.open("exchanges", '{').uint("count", q.Len()+uint64(e.Unanswered)).seconds("median_s", known, q.At(0.5)).
		seconds("p95_s", known, q.At(0.95)).seconds("max_s", known, q.Max()).
		uint("unanswered", uint64(e.Unanswered)).uint("pipelined", uint64(e.Pipelined)).open("slowest", '[')
	for i := range e.Slowest {
		x := &e.Slowest[i]
		b = b.element().uint("request_frame", result.Whole(x.Request, near)).uint("answer_frame", result.Whole(x.Answer, near)).
			seconds9("response_s", x.Response).close('}')
	}
	return b.close(']').close('}')
}

func (b object) transfer(t *detectors.Transfer) object {
	limit, share := t.Limit()
	return b.str("from", t.From.String()).uint("bytes", t.Bytes).time("start", t.First.At).time("end", t.Last.At).
		seconds("duration_s", true, t.Duration()).uint("rate_Bps", uint64(t.Rate())).waits("waits", &t.Waits).
		str("limit", limit).key("limit_share").float(float64(int(share*1000+0.5))/1000).uint("window_bytes", uint64(t.Window)).
		uint("flight_bytes", uint64(t.Flight)).seconds("rtt_s", t.RTT != 0, t.RTT).seconds("queue_s", t.RTT != 0, t.Queue)
}

// host is a row of hosts[].
func (b object) host(h **hostRow) object {
	x := *h
	b = b.str("address", x.end.AddrPort().Addr().String())
	if b = b.key("port"); x.server {
		b = b.number(uint64(x.end.Port))
	} else {
		b = append(b, "null"...)
	}
	return b.str("role", x.role()).uint("connections", x.connections).uint("refused", x.refused).uint("resets", x.resets).
		seconds("connect_median_s", x.connects.Len() > 0, x.connects.At(0.5)).waits("waits", &x.waits).exchanges(&x.exchanges, 0).
		uint("packets", x.packets).uint("bytes", x.bytes).uint("retransmissions", x.rexmits).
		uint("transfer_bytes", x.transferred).seconds("transfer_s", true, x.transfers)
}
