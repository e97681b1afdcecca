package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
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

// screenful is groupFindings for a terminal or a ticket.
func screenful(r *result.Report, o *Options) []*group {
	groups := groupFindings(r, o)
	if len(groups) > manyGroups {
		shorten(groups)
	}
	return groups
}

// Of more groups only the worst are printed in full, so that people read the
// report to its end.
const (
	manyGroups   = 12
	classesFull  = 3 // classes that are printed in full, by their first host
	hostsOfClass = 3 // hosts that get a line, of each class
)

// shorten puts the groups of a class together, the worst classes first, and
// reduces the detail.
func shorten(groups []*group) {
	worst, first := map[class]detectors.Severity{}, map[class]int{}
	for i, g := range groups {
		if _, known := first[g.class]; !known {
			first[g.class] = i
		}
		worst[g.class] = max(worst[g.class], g.severity)
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.verdict, b.verdict), cmp.Compare(worst[b.class], worst[a.class]), cmp.Compare(first[a.class], first[b.class]),
			cmp.Compare(b.severity, a.severity))
	})
	classes, hosts := 0, 0
	for i, g := range groups {
		if i == 0 || g.class != groups[i-1].class {
			classes, hosts = classes+1, 0
		}
		g.quota = repeatQuota
		switch hosts++; {
		case hosts > hostsOfClass:
			g.detail = counted
		case hosts == 1 && classes <= classesFull && g.severity > detectors.Info && g.verdict == detectors.Seen:
			g.detail = full
		default:
			g.detail = brief
		}
	}
}

// maxSections bounds an HTML page, however large the trace is: a finding in full
// takes up to 100 KB for each of its pictures.
const maxSections = 50

// sections are the groups in the order of an HTML page: the worst first, what is
// undecided last. At most maxSections of their findings remain in full.
func sections(r *result.Report, o *Options) []*group {
	groups := groupFindings(r, o)
	left := maxSections
	for _, g := range groups {
		switch {
		case g.detail == full && left == 0:
			g.detail = brief
		case g.detail == full:
			g.quota.full = min(g.quota.full, left)
			left -= len(g.full())
		}
	}
	return groups
}

// full are the findings of the group that are printed in full.
func (g *group) full() []*result.Finding {
	if g.detail != full {
		return nil
	}
	return g.findings[:min(g.quota.full, len(g.findings))]
}

// omissions are the sentences about what is not printed: the groups that are
// only counted, by class in order of first appearance, and the findings that
// were too many to keep.
func omissions(r *result.Report, groups []*group, o *Options) (sentences []string) {
	type omission struct{ hosts, findings uint64 }
	var order []class
	omitted := map[class]*omission{}
	for _, g := range groups {
		if g.detail != counted {
			continue
		}
		if omitted[g.class] == nil {
			omitted[g.class] = new(omission)
			order = append(order, g.class)
		}
		omitted[g.class].hosts++
		omitted[g.class].findings += uint64(len(g.findings))
	}
	for _, c := range order {
		sentences = append(sentences, fmt.Sprintf("... and %s with %s (%s)%s",
			quantity.Count(omitted[c].hosts, "more host"), c, quantity.Count(omitted[c].findings, "finding"), o.listedIn()))
	}
	for _, g := range r.Totals.Groups {
		if more := g.N - g.Listed; more > 0 && (o.Undecided || g.Verdict == detectors.Seen) {
			sentences = append(sentences, fmt.Sprintf("... and %s of %s, which are counted but not listed",
				quantity.Count(more, "more finding"), class{g.Detector, g.Outcome, g.Verdict}))
		}
	}
	return sentences
}

// summary is "server 10.0.0.5: 14 connections left in LAST_ACK", or "path to server
// 10.0.0.5: 3 connections".
func (g *group) summary(n Names) string {
	first := g.findings[0]
	if g.scan {
		return fmt.Sprintf("%s refused %s of %s", quantity.Count(g.refusers(), "host"), quantity.Count(uint64(len(g.findings)), "connection"),
			first.Flow.End[first.Subject.Peer()].AddrPort().Addr())
	}
	who := first.Flow.End[first.Subject].AddrPort().Addr().String()
	if name := g.shared(func(f *result.Finding) string { return name(f.Flow, f.Subject) }); name != "" {
		who = name + " " + who
	}
	what := quantity.Count(uint64(len(g.findings)), "connection")
	if first.Fault == detectors.FaultPath {
		return "path to " + who + ": " + what
	}
	if g.outcome == refused {
		return who + ": refused " + what
	}
	switch state := g.shared(func(f *result.Finding) string { return n.State(f.States[f.Subject]) }); {
	case state == "", first.States[first.Subject] == fsm.Closed: // no connection is left there
	case halfClosed(first.States[first.Subject]):
		what += " left in " + state
	default:
		what += " in " + state
	}
	return who + ": " + what
}

// word is the severity, or that nothing is decided.
func (g *group) word() string {
	if g.verdict == detectors.Undecided {
		return g.verdict.String()
	}
	return g.severity.String()
}

// shared is what all findings of the group have in common, or nothing.
func (g *group) shared(of func(*result.Finding) string) string {
	first := of(g.findings[0])
	for _, f := range g.findings[1:] {
		if of(f) != first {
			return ""
		}
	}
	return first
}

// halfClosed reports whether a connection should not stay in the state for long:
// one end has closed and waits for the other.
func halfClosed(s fsm.State) bool {
	switch s {
	case fsm.FinWait1, fsm.FinWait2, fsm.CloseWait, fsm.Closing, fsm.LastAck:
		return true
	}
	return false
}

// advises is the finding whose cause and action are printed for the group: where they
// differ, one that stands for the outcome.
func (g *group) advises() *detectors.Finding {
	if g.shared(func(f *result.Finding) string { return f.Cause + f.Action }) == "" {
		return &detectors.Finding{Detector: g.detector, Outcome: g.outcome}
	}
	return &g.findings[0].Finding
}

// wireshark is what Wireshark says about the frames: about these if the group is
// a single finding and its detector knows, else in general. The label names
// Wireshark already.
func (g *group) wireshark(doc detectors.Doc) string {
	says := doc.Peers
	if len(g.findings) == 1 && g.findings[0].Peers != "" {
		says = g.findings[0].Peers
	}
	return strings.TrimPrefix(says, "Wireshark ")
}
