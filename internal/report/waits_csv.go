package report

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
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

// account are the same of a connection, empty where it has none.
func (l csvLine) account(t *waits.Record) csvLine {
	if t == nil {
		return append(l, strings.Repeat(",", len(timeTitles()))...)
	}
	for _, ns := range t.Waits {
		l = appendSeconds9(l.cell(), ns)
	}
	e, q := &t.Exchanges, &t.Exchanges.Responses
	known, rtt := q.Len() > 0, &t.RTT
	return l.time(t.From).time(t.To).text(t.Unknown.String()).
		seconds(rtt[reassembly.A] != 0, rtt[reassembly.A]).seconds(rtt[reassembly.B] != 0, rtt[reassembly.B]).
		uint(q.Len()+uint64(e.Unanswered)).seconds(known, q.At(0.5)).seconds(known, q.At(0.95)).seconds(known, q.Max()).
		uint(uint64(e.Unanswered)).uint(uint64(e.Pipelined)).uint(uint64(len(t.Transfers)) + uint64(t.Omitted)).
		figures(&t.Figures[reassembly.A]).figures(&t.Figures[reassembly.B])
}

// figures are those of a side.
func (l csvLine) figures(f *waits.Figures) csvLine {
	known := f.RTT.N > 0
	return l.sizes(&f.Sizes).sizes(&f.Windows).sizes(&f.Flight).
		uint(f.RTT.N).seconds(known, f.RTT.Min).seconds(known, f.RTT.Mean()).seconds(known, f.RTT.Max).seconds(f.RTT.N > 1, f.RTT.Deviation()).
		seconds(true, f.IdleMax).uint(uint64(f.DupAcks)).uint(uint64(f.TripleAcks)).uint(uint64(f.OutOfOrder)).uint(uint64(f.DSACKs))
}

// sizes are least, mean and most, empty if there are none.
func (l csvLine) sizes(s *waits.Sizes) csvLine {
	if s.N == 0 {
		return l.cell().cell().cell()
	}
	return l.uint(uint64(s.Min)).uint(s.Mean()).uint(uint64(s.Max))
}
