package taps

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// closingNotes say what the taps do not have in common, and what was not compared.
func (j *joiner) closingNotes() []result.Note {
	if j.known() {
		return j.saved.Closing
	}
	return append(j.strangers(), j.limits()...)
}

// strangers says which taps have no segment in common: something between them
// terminates the connections, and each leg has its own.
func (j *joiner) strangers() (notes []result.Note) {
	common := map[[2]int]bool{}
	for i := range j.pairs {
		common[j.pairs[i].tap] = true
	}
	for q := range j.Plan.points {
		for p := range q {
			a, b := &j.Plan.points[p], &j.Plan.points[q]
			if a.group == 0 || a.group != b.group || common[[2]int{p, q}] || len(j.points[p].Positions) == 0 || len(j.points[q].Positions) == 0 {
				continue
			}
			text := a.Name + " and " + b.Name + " have no segment in common. A proxy or load balancer that terminates connections between them explains that: each side has connections of its own, and nothing is said of what lies between"
			if j.stamped(p) && j.stamped(q) {
				text += "; both sides carry timestamps, of different clocks"
			}
			notes = append(notes, result.Note{Name: "no common segment", Message: text + "."})
		}
	}
	return notes
}

// stamped reports whether the segments of a tap carry timestamps.
func (j *joiner) stamped(tap int) bool {
	for i := range j.scan.records {
		if r := &j.scan.records[i]; r.tsval != 0 && pointOf(r) == tap {
			return true
		}
	}
	return false
}

// pointNotes are the notes of one point, with its name if there are taps.
func (j *joiner) pointNotes(i int) (notes []result.Note) {
	for _, n := range j.points[i].Report.Notes {
		if len(j.points) > 1 {
			n.Message = j.Plan.points[i].Name + ": " + n.Message
		}
		notes = append(notes, n)
	}
	return notes
}
