package detectors

import "github.com/tcptrace-go/tcptrace/reassembly"

// A finding takes some 1,500 bytes with its words and frames. Where nobody reads it before its connection ends, a detector that
// finds something in many connections may put off writing it.

// maxDrafts is how many drafts are looked through for one that is the same.
const maxDrafts = 16

// nothing is the evidence of a draft.
var nothing [1]Evidence

// Sketch begins the draft of a finding, as Find does.
func (r *Report) Sketch(o *Outcome, subject reassembly.Side) Finding {
	return r.Find(o, subject, 0, nothing[:]...)
}

// Draft reports a finding of which no more is known yet than what is read before the watcher ends: what [Finding.Shorten] leaves of it, and
// the reason. anchor is its first frame. It reports false, and does nothing, if the finding has to be written now. Else Complete does that before what it rests on
// changes, and at the latest when the watcher ends.
func (r *Report) Draft(f *Finding, anchor *reassembly.Mark) (ok bool) {
	t := r.results()
	if !r.readAtEnd || len(t.list) == maxFindings || r.standing(anchor) != nil || f.Fault.NamesHost() && r.spokenFor(f.Subject) != "" {
		return false
	}
	f.settle()
	t.changed = true
	t.list = append(t.list, Standing{r.drafted(f), anchor.File, anchor.Frame})
	return true
}

// drafted is the draft, or one that is the same.
func (r *Report) drafted(f *Finding) *Finding {
	for _, same := range r.drafts {
		if same.Alike(f) && same.Reason == f.Reason {
			return same
		}
	}
	reason := f.Reason
	d := new(Finding)
	*d = *f
	d.Shorten()
	d.Reason, d.short, d.draft = reason, false, true
	if len(r.drafts) < maxDrafts {
		r.drafts = append(r.drafts, d)
	}
	return d
}

// IsDraft reports whether others may have the same finding, as it is not written yet.
func (f *Finding) IsDraft() bool { return f.draft }

// Drafted is the draft with that anchor; nil if there is none, or if it is only counted.
func (r *Report) Drafted(anchor *reassembly.Mark) *Finding {
	if s := r.standing(anchor); s != nil && s.draft {
		return s.Finding
	}
	return nil
}

// Complete puts the finding, which is written now, in the place of its draft: what that says stands.
func (r *Report) Complete(f, draft *Finding) {
	f.settle()
	f.Verdict, f.Reason, f.Severity, f.Fault = draft.Verdict, draft.Reason, draft.Severity, draft.Fault
	f.Limits, f.Absence = draft.Limits, draft.Absence
	anchor := reassembly.MarkOf(&f.Evidence[0].Seg)
	written := new(Finding)
	*written = *f
	r.standing(&anchor).Finding = written
}

// standing is what stands with that anchor, nil if nothing does.
func (r *Report) standing(anchor *reassembly.Mark) *Standing {
	list := r.Findings()
	for i := range list {
		if list[i].Frame == anchor.Frame && list[i].File == anchor.File {
			return &list[i]
		}
	}
	return nil
}
