package report

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// timeTitles are the columns that --time adds to those of connections.
func timeTitles() []string {
	var titles []string
	for w := range detectors.NumWaits {
		titles = append(titles, "waits."+w.String())
	}
	return append(titles, "waits_from", "waits_to", "waits_unknown", "rtt_a_s", "rtt_b_s",
		"exchanges.count", "exchanges.median_s", "exchanges.p95_s", "exchanges.max_s", "exchanges.unanswered", "exchanges.pipelined", "transfers")
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
	return append(row, timestamp(t.From), timestamp(t.To), t.Unknown.String(),
		seconds(rtt[reassembly.A] != 0, rtt[reassembly.A]), seconds(rtt[reassembly.B] != 0, rtt[reassembly.B]),
		unsigned(q.Len()+uint64(e.Unanswered)), seconds(known, q.At(0.5)), seconds(known, q.At(0.95)), seconds(known, q.Max()),
		unsigned(uint64(e.Unanswered)), unsigned(uint64(e.Pipelined)), unsigned(uint64(len(t.Transfers)+t.Omitted)))
}
