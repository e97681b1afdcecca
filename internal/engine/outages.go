package engine

import (
	"cmp"
	"iter"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// A hostPair is a host that sends, and the one that it sends to.
type hostPair [2][16]byte

// outages makes undecided what rests on FINs of one connection not having arrived, if all of them were sent while
// another connection of the two hosts was not answered either, and that was answered afterwards: the path
// was down.
func outages(findings iter.Seq[*detectors.Finding]) {
	var doubtful []*detectors.Finding
	for f := range findings {
		if f.Outage != nil && f.Outage.Frame == 0 && f.Verdict == detectors.Seen {
			doubtful = append(doubtful, f)
		}
	}
	if doubtful == nil {
		return
	}
	over := map[hostPair][]*detectors.Outage{}
	for f := range findings {
		if o := f.Outage; o != nil && o.Frame != 0 && f.Verdict == detectors.Seen {
			pair := hostPair{o.From.Addr, o.To.Addr}
			over[pair] = append(over[pair], o)
		}
	}
	for _, f := range doubtful {
		var first *detectors.Outage // whatever the order of the findings
		for _, o := range over[hostPair{f.Outage.From.Addr, f.Outage.To.Addr}] {
			if o.Covers(f.Outage) && (first == nil || cmp.Or(cmp.Compare(o.End, first.End), cmp.Compare(o.Frame, first.Frame)) < 0) {
				first = o
			}
		}
		if first != nil {
			f.CutOff(first)
		}
	}
}
