package watch

import "github.com/tcptrace-go/tcptrace/detectors"

// Counts counts findings by what they have in common.
type Counts map[Kind]*Count

// A Kind is what the findings that are counted together have in common.
type Kind struct {
	Detector, Outcome string
	Verdict           detectors.Verdict
	Refusal           bool // see detectors.Finding
	Absence           detectors.Absence
	FINRank           int
}

// A Count is how many findings there are of one kind.
type Count struct {
	Severity detectors.Severity // the worst among them
	N        uint64             // all
	Listed   uint64             // of these, in the report
}

// kindOf is the kind of a finding.
func kindOf(f *detectors.Finding, finRank int) Kind {
	return Kind{f.Detector, f.Outcome, f.Verdict, f.Refusal, f.Absence, finRank}
}

// Add counts n findings, as many of which are listed.
func (c Counts) Add(k Kind, severity detectors.Severity, n, listed uint64) {
	t := c[k]
	if t == nil {
		t = new(Count)
		c[k] = t
	}
	t.Severity = max(t.Severity, severity)
	t.N += n
	t.Listed += listed
}
