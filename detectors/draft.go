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

// A Drafter is a Watcher with drafts that rest on the connection as it is. Complete writes them: it is called before the next
// segment is applied to the connection, and before that and the watcher end.
type Drafter interface {
	Watcher
	Complete(r *Report)
}

// Draft reports a finding of which no more is known yet than what is read before the watcher ends: what [Finding.Shorten] leaves of it, and
// the reason. anchor is its first frame; the draft replaces another with the same. It reports false, and does nothing, if the finding has to be written now. Else Complete does that before what it rests on
// changes, and at the latest when the watcher ends: see [Drafter].
func (r *Report) Draft(f *Finding, anchor *reassembly.Mark) (ok bool) {
	t, was := r.results(), r.standing(anchor)
	if !r.readAtEnd || was == nil && len(t.list) == maxFindings || was != nil && !was.draft || f.Fault.NamesHost() && r.SpokenFor(f.Subject) != "" {
		return false
	}
	f.settle()
	_, t.drafted = r.run.watcher.(Drafter)
	t.changed = true
	if was != nil {
		was.Finding = r.drafted(f)
	} else {
		t.list = append(t.list, Standing{r.drafted(f), anchor.File, anchor.Frame})
	}
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
	} else { // those of which each has its own reason do not keep the others out
		r.drafts[r.lastDraft%maxDrafts] = d
		r.lastDraft++
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

// Drafted reports whether the watcher has drafted what rests on the connection as it is.
func (x *Run) Drafted() bool { return x.found != nil && x.found.drafted }

// Complete has the watcher write what it has drafted.
func (x *Run) Complete(r *Report) {
	x.found.drafted = false
	x.watcher.(Drafter).Complete(r)
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
