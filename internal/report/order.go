package report

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// FindingOrders and FlowOrders are what findings and connections can be sorted by.
var (
	FindingOrders = []string{"time", "severity", "connections"}
	FlowOrders    = []string{"time", "bytes", "duration", "retransmissions", "rtt"}
)

// findings are the report's in the order in which people read them: the worst first, and
// what is undecided last, unless Options.Sort says otherwise.
func (o *Options) findings(r *result.Report) []*result.Finding {
	list := make([]*result.Finding, len(r.Findings))
	size := map[class]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		list[i] = f
		if o.Sort == "connections" {
			size[class{f.Detector, f.Outcome, f.Verdict}]++
		}
	}
	if o.Sort == "time" {
		return list
	}
	sorting.Stable(list, func(a, b *result.Finding) int {
		return cmp.Or(cmp.Compare(size[class{b.Detector, b.Outcome, b.Verdict}], size[class{a.Detector, a.Outcome, a.Verdict}]),
			cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(b.Severity, a.Severity))
	})
	return list
}

// flows are the connections in the order in which they are printed.
func (o *Options) flows(r *result.Report) []*result.Flow {
	list := make([]*result.Flow, len(r.Flows))
	for i := range r.Flows {
		list[i] = &r.Flows[i]
	}
	of := map[string]func(f *result.Flow) int64{
		"bytes":           func(f *result.Flow) int64 { return int64(f.Bytes[0] + f.Bytes[1]) },
		"duration":        func(f *result.Flow) int64 { return f.Last - f.First },
		"retransmissions": func(f *result.Flow) int64 { return int64(f.Rexmits[0] + f.Rexmits[1]) },
		"rtt":             func(f *result.Flow) int64 { return f.RTT },
	}[o.Sort]
	if of != nil {
		sorting.Stable(list, func(a, b *result.Flow) int { return cmp.Compare(of(b), of(a)) })
	}
	return list
}
