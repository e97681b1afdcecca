package report

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A class is all findings of one detector with the same outcome and verdict.
type class struct {
	detector, outcome string
	verdict           detectors.Verdict
}

// String is "slug/outcome".
func (c class) String() string { return Clean(c.detector + "/" + c.outcome) }

// A group is what people should read as one problem: findings of one class about
// one host. A million connections with one cause are one group.
type group struct {
	class
	severity detectors.Severity // the worst of them
	findings []*result.Finding  // never empty
	scan     bool               // its findings are refusals of one host, by many
	detail   detail
	quota    quota // for its findings
	rank     *rank // of its class, where groups are shortened
}

// detail says how much of a group is printed.
type detail uint8

const (
	full    detail = iota
	brief          // one line
	counted        // only in the number of those omitted
)

// A quota is how many of a kind are printed: the first in full, some more as a
// line each, the rest as a number, so that a report stays within a few screens
// however many connections or hosts have the same problem. JSON, ndjson and
// CSV list them all.
type quota struct{ full, brief int } // brief includes full

var (
	hostQuota       = quota{3, 10} // of one class
	connectionQuota = quota{3, 10} // of the first host of a class
	repeatQuota     = quota{1, 3}  // of its other hosts, and of all if there are many groups
)

// groupFindings makes groups in the order in which their first findings are read.
func groupFindings(r *result.Report, o *Options) []*group {
	type key struct {
		class
		host [16]byte
	}
	var groups []*group
	byKey, scanning := map[key]*group{}, scanners(r)
	hosts := map[class]int{}
	for _, f := range o.findings(r) {
		if f.Verdict == detectors.Undecided && !o.Undecided {
			continue
		}
		c := class{f.Detector, f.Outcome, f.Verdict}
		k := key{c, f.Flow.End[f.Subject].Addr}
		scan := f.Outcome == refused && scanning[f.Flow.End[f.Subject.Peer()].Addr]
		if scan {
			k.host = f.Flow.End[f.Subject.Peer()].Addr
		}
		g := byKey[k]
		if g == nil {
			g = &group{class: c, quota: repeatQuota, scan: scan}
			switch n := hosts[c]; {
			case n == 0:
				g.quota = connectionQuota
			case n >= hostQuota.brief:
				g.detail = counted
			case n >= hostQuota.full:
				g.detail = brief
			}
			hosts[c]++
			byKey[k] = g
			groups = append(groups, g)
		}
		g.findings = append(g.findings, f)
		g.severity = max(g.severity, f.Severity)
	}
	return groups
}

// refused is the outcome of SYNs that were answered with RST.
const refused = "refused"

// scanHosts is by how many hosts the connections of one host must be refused for that to
// be one problem, its own, and not one of each of them.
const scanHosts = 4

// scanners are the hosts whose connections many others refused.
func scanners(r *result.Report) map[[16]byte]bool {
	type pair struct{ scanner, host [16]byte }
	pairs, hosts, scanning := map[pair]bool{}, map[[16]byte]int{}, map[[16]byte]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		p := pair{f.Flow.End[f.Subject.Peer()].Addr, f.Flow.End[f.Subject].Addr}
		if f.Outcome != refused || pairs[p] {
			continue
		}
		pairs[p] = true
		if hosts[p.scanner]++; hosts[p.scanner] >= scanHosts {
			scanning[p.scanner] = true
		}
	}
	return scanning
}

// refusers is how many hosts refused the connections of the group.
func (g *group) refusers() uint64 {
	hosts := map[[16]byte]bool{}
	for _, f := range g.findings {
		hosts[f.Flow.End[f.Subject].Addr] = true
	}
	return uint64(len(hosts))
}

// full are the findings of the group that are printed in full.
func (g *group) full() []*result.Finding {
	if g.detail != full {
		return nil
	}
	return g.findings[:min(g.quota.full, len(g.findings))]
}
