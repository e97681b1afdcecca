package watch

import "github.com/tcptrace-go/tcptrace/detectors"

// maxHeld is how many findings of one detector a partition keeps for the report,
// 16,000 in all. A finding with its sentence and frames takes some 3 KB, and a
// capture of a scan or a flood may bring one for each of its million connections:
// those beyond are counted. A live set keeps those of current connections, which it has
// reported one by one and may have to report again.
const maxHeld = 250

// limit says before a watcher is called whether there is room for a finding of its
// detector.
func (s *Set) limit(w *watcher) {
	if s.Withdraw == nil && s.held[w.detector] >= maxHeld && w.counted == 0 {
		w.Brief()
	}
}

// count sees, after a watcher was called, how many of its findings stand.
func (s *Set) count(w *watcher) {
	if w.IsBrief() {
		return
	}
	n := len(w.Findings())
	s.held[w.detector] += n - int(w.counted)
	w.counted = uint16(n)
}

// Held is how many findings there are by now, without those that are only counted.
func (s *Set) Held() (n int) {
	for _, held := range s.held {
		n += held
	}
	return n
}

// Forget makes a finding that End has listed one that is only counted.
func (s *Set) Forget(f *Found) {
	s.held[f.Order]--
	s.Unlisted.Add(kindOf(f.Finding, f.FINRank), f.Severity, 1, 0)
}

// Counts counts findings by what they have in common.
type Counts map[Kind]*Count

// A Kind is what the findings that are counted together have in common.
type Kind struct {
	Detector, Outcome string
	Verdict           detectors.Verdict
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
	return Kind{f.Detector, f.Outcome, f.Verdict, f.Absence, finRank}
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
