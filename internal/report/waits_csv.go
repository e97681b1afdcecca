package report

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// timeTitles are the columns that --time adds to those of connections.
func timeTitles() []string {
	var titles []string
	for w := range detectors.NumWaits {
		titles = append(titles, "waits."+w.String())
	}
	return append(append(titles, "waits_from", "waits_to", "waits_unknown", "rtt_a_s", "rtt_b_s",
		"exchanges.count", "exchanges.median_s", "exchanges.p95_s", "exchanges.max_s", "exchanges.unanswered", "exchanges.pipelined", "transfers"), figureTitles()...)
}

// figureTitles are the columns of both sides' figures.
func figureTitles() (titles []string) {
	for _, side := range [...]string{"a", "b"} {
		for _, name := range [...]string{
			"segment_bytes.min", "segment_bytes.mean", "segment_bytes.max", "window_bytes.min", "window_bytes.mean", "window_bytes.max",
			"flight_bytes.min", "flight_bytes.mean", "flight_bytes.max", "rtt_samples", "rtt_min_s", "rtt_mean_s", "rtt_max_s", "rtt_stdev_s",
			"idle_max_s", "duplicate_acks", "triple_duplicate_acks", "out_of_order", "dsacks",
		} {
			titles = append(titles, "figures_"+side+"."+name)
		}
	}
	return titles
}

// figureCells are the same of a connection.
func figureCells(t *waits.Record) (row []string) {
	number := func(known bool, text string) string {
		if !known {
			return ""
		}
		return text
	}
	for side := range t.Figures {
		f := &t.Figures[side]
		for _, s := range [...]*waits.Spread{&f.Sizes, &f.Windows, &f.Flight} {
			row = append(row, number(s.N > 0, unsigned(uint64(s.Min))), number(s.N > 0, unsigned(uint64(s.Mean()))), number(s.N > 0, unsigned(uint64(s.Max))))
		}
		known := f.RTT.N > 0
		seconds := func(known bool, ns int64) string { return number(known, string(appendSeconds(nil, ns))) }
		row = append(row, unsigned(f.RTT.N), seconds(known, f.RTT.Min), seconds(known, f.RTT.Mean()), seconds(known, f.RTT.Max), seconds(f.RTT.N > 1, f.RTT.Deviation()),
			seconds(true, f.IdleMax), unsigned(f.DupAcks), unsigned(f.TripleAcks), unsigned(f.OutOfOrder), unsigned(f.DSACKs))
	}
	return row
}

// timeCells are the same of a connection, empty where it has no account.
func timeCells(f *result.Flow) []string {
	t := f.Time
	if t == nil {
		return make([]string, len(timeTitles()))
	}
	var row []string
	seconds := func(known bool, ns int64) string {
		if !known {
			return ""
		}
		return string(appendSeconds(nil, ns))
	}
	for _, ns := range t.Waits {
		row = append(row, string(appendSeconds9(nil, ns)))
	}
	e, q := &t.Exchanges, &t.Exchanges.Responses
	known, rtt := q.Len() > 0, &t.RTT
	return append(append(row, timestamp(t.From), timestamp(t.To), t.Unknown.String(),
		seconds(rtt[reassembly.A] != 0, rtt[reassembly.A]), seconds(rtt[reassembly.B] != 0, rtt[reassembly.B]),
		unsigned(q.Len()+uint64(e.Unanswered)), seconds(known, q.At(0.5)), seconds(known, q.At(0.95)), seconds(known, q.Max()),
		unsigned(uint64(e.Unanswered)), unsigned(uint64(e.Pipelined)), unsigned(uint64(len(t.Transfers)+t.Omitted))), figureCells(t)...)
}
