package taps

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A joined is a finding on its way into the joint report.
type joined struct {
	*result.Finding
	engine.Order
	point int
	side  reassembly.Side // that it is about, as the first tap has it
}

// about is what findings of several taps have in common if they are one.
type about struct {
	flow     uint64
	detector string
	side     reassembly.Side
}

// findings merges the findings of all points. One that several taps show is one,
// from the tap nearest to the accused side.
func (j *joiner) findings(r *result.Report, all bool) {
	list, by := j.collect()
	for key, taps := range by {
		list = append(list, j.choose(key.flow, taps)...)
	}
	j.together(list, j.records)
	rows := map[uint64]*result.Flow{}
	for i := range r.Flows {
		rows[r.Flows[i].ID] = &r.Flows[i]
	}
	for _, x := range list {
		if row := rows[x.Flow.ID]; row != nil {
			j.locate(x.Finding, row)
			j.doubled(x.Finding, row)
		}
	}
	list = append(list, j.asked(r, list)...)
	for _, x := range list {
		if row := rows[x.Flow.ID]; row != nil {
			x.Ladder = j.ladder(x.Finding, row, r.Taps)
		}
	}
	sorting.Stable(list, func(a, b joined) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Flow.ID, b.Flow.ID), cmp.Compare(a.Order.Detector, b.Order.Detector), cmp.Compare(a.Start, b.Start),
			cmp.Compare(a.point, b.point), cmp.Compare(a.Evidence[0].Seg.Frame, b.Evidence[0].Seg.Frame))
	})
	j.add(r, list)
	if !all {
		with := map[uint64]bool{}
		for i := range r.Findings {
			with[r.Findings[i].Flow.ID] = true
		}
		r.Flows = slices.DeleteFunc(r.Flows, func(f result.Flow) bool { return !with[f.ID] && f.TCB == nil })
	}
	for i := range r.Findings { // a connection that one place saw has one row
		f := &r.Findings[i]
		n, _ := slices.BinarySearchFunc(r.Flows, f.Flow.ID, func(row result.Flow, id uint64) int { return cmp.Compare(row.ID, id) })
		if row := &r.Flows[n]; row.Conn == f.Flow.Conn {
			f.Flow = row
		}
	}
	r.Totals.Groups = j.groups(r.Findings)
}

// collect gathers the findings of all points: by those which may be one, and in a list those of points
// whose connections nobody else saw.
func (j *joiner) collect() (alone []joined, by map[about]map[int][]joined) {
	by = map[about]map[int][]joined{} // by point
	for i := range j.points {
		rep := j.points[i].Report
		for k := range rep.Findings {
			f := &rep.Findings[k]
			side, role := f.Subject, f.Subject
			if len(f.Roles) > 0 {
				role = f.Roles[0].Side
			}
			if !f.Fault.NamesHost() {
				side = role
			}
			if j.swapped(f.Flow.Conn) {
				side, role = side.Peer(), role.Peer()
			}
			f.Flow = j.rows[i][f.Flow.Conn]
			for e := range f.Evidence {
				f.Evidence[e].Seg.Tap = uint8(i)
			}
			x := joined{f, j.points[i].Order[k], i, side}
			if j.Plan.points[i].group == 0 {
				alone = append(alone, x)
				continue
			}
			key := about{f.Flow.ID, f.Detector, role}
			if by[key] == nil {
				by[key] = map[int][]joined{}
			}
			by[key][i] = append(by[key][i], x)
		}
	}
	return alone, by
}

// add adds the findings to the report. Those of identical files are one, and each has an ID of its own.
func (j *joiner) add(r *result.Report, list []joined) {
	ids := map[string]int{}
	for _, x := range list {
		f := *x.Finding
		if j.apart {
			if k := slices.IndexFunc(r.Findings, func(o result.Finding) bool { return sameFinding(&o, &f) }); k >= 0 {
				r.Findings[k].Also = append(r.Findings[k].Also, f.Evidence[0].Seg.File)
				continue
			}
		}
		f.ID = distinct(f.ID, ids)
		r.Findings = append(r.Findings, f)
	}
}

// distinct is the ID of a finding, or one made of it if another has that: files may hold the same
// connection at different times. had counts them.
func distinct(id string, had map[string]int) string {
	had[id]++
	n := had[id]
	if n == 1 {
		return id
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d", id, n))
	return hex.EncodeToString(sum[:8])
}

// sameFinding reports whether two findings are about the same frames of identical files.
func sameFinding(a, b *result.Finding) bool {
	return a.ID == b.ID && a.Message == b.Message && a.Evidence[0].Seg.File != b.Evidence[0].Seg.File &&
		slices.EqualFunc(a.Evidence, b.Evidence, func(x, y detectors.Evidence) bool {
			return x.Seg.Frame == y.Seg.Frame && x.Seg.At == y.Seg.At && x.Role == y.Role
		})
}

// choose keeps of the findings of one detector about one side of a connection those
// of the nearest tap that has any. An absence that the nearest tap does not show is
// none: it saw what the others missed.
func (j *joiner) choose(flow uint64, taps map[int][]joined) []joined {
	var side reassembly.Side
	for _, tap := range slices.Backward(j.tapsOf[flow]) {
		if len(taps[tap]) > 0 {
			side = taps[tap][0].side
		}
	}
	var kept []joined
	for n, tap := range j.nearest(flow, side) {
		found := taps[tap]
		switch {
		case len(found) == 0:
		case kept != nil:
			if j.decides(found, kept) {
				return found
			}
		case n > 0 && found[0].Absence != detectors.NoAbsence:
			return nil
		case slices.ContainsFunc(found, seen):
			return found
		default:
			kept = found
		}
	}
	return kept
}

func seen(x joined) bool { return x.Verdict == detectors.Seen }

// decides reports whether another tap saw what the nearest leaves undecided, such as
// for want of the ACKs or of the handshake. An absence counts only if the nearest was
// still capturing when it was certain, as it alone sees all that the accused side sends.
func (j *joiner) decides(found, kept []joined) bool {
	near := kept[0].point
	for _, x := range found {
		if !seen(x) || !slices.ContainsFunc(kept, func(k joined) bool { return k.Outcome == x.Outcome }) {
			continue
		}
		if x.Absence == detectors.NoAbsence {
			return true
		}
		if end, known := j.seenAs(x.point, near, x.Finding.End); known && end <= j.points[near].Trace.End && kept[0].Limits&fsm.KernelDrops == 0 {
			return true
		}
	}
	return false
}

// seenAs is what the clock of a tap shows when another's shows at.
func (j *joiner) seenAs(tap, other int, at int64) (there int64, known bool) {
	if c := j.clocks[[2]int{tap, other}]; c != nil {
		later, known := c.at(at)
		return at + later, known
	}
	if c := j.clocks[[2]int{other, tap}]; c != nil {
		later, known := c.back(at)
		return at - later, known
	}
	return at, false
}

// nearest are the taps that saw a connection, the one nearest to the side first.
func (j *joiner) nearest(flow uint64, side reassembly.Side) []int {
	taps := slices.Clone(j.tapsOf[flow])
	sorting.Stable(taps, func(x, y int) int {
		for _, i := range j.with[flow] {
			p := &j.pairs[i]
			if p.tap != [2]int{min(x, y), max(x, y)} {
				continue
			}
			at := side
			if j.swapped(p.conn[0]) {
				at = side.Peer()
			}
			if p.tap[p.near(at)] == x {
				return -1
			}
			return 1
		}
		return 0
	})
	return taps
}

// groups counts the findings that are listed, and those that are not.
func (j *joiner) groups(listed []result.Finding) []result.Group {
	type class struct {
		detector, outcome string
		verdict           detectors.Verdict
	}
	all := map[class]*result.Group{}
	add := func(detector, outcome string, verdict detectors.Verdict, severity detectors.Severity, n, listed uint64) {
		k := class{detector, outcome, verdict}
		g := all[k]
		if g == nil {
			g = &result.Group{Detector: detector, Outcome: outcome, Verdict: verdict}
			all[k] = g
		}
		g.Severity, g.N, g.Listed = max(g.Severity, severity), g.N+n, g.Listed+listed
	}
	for i := range listed {
		f := &listed[i]
		add(f.Detector, f.Outcome, f.Verdict, f.Severity, 1, 1)
	}
	for i := range j.points {
		for _, g := range j.points[i].Report.Totals.Groups {
			if g.N > g.Listed {
				add(g.Detector, g.Outcome, g.Verdict, g.Severity, g.N-g.Listed, 0)
			}
		}
	}
	groups := make([]result.Group, 0, len(all))
	for _, g := range all {
		groups = append(groups, *g)
	}
	names := j.points[0].Report.Options.Detectors
	sorting.Stable(groups, func(a, b result.Group) int {
		return cmp.Or(cmp.Compare(slices.Index(names, a.Detector), slices.Index(names, b.Detector)), cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(a.Outcome, b.Outcome))
	})
	return groups
}
