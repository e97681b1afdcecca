package scenario

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Found is one finding, as words.
type Found struct {
	Detector, Outcome string
	Undecided         bool
	Frames            []uint32 // of the evidence, anchor first
	Message           string
}

// Check compares all findings of an analysis with those that the trace wants. A
// finding that no line wants is a fault as well. Each fault is a sentence that
// begins with file and line.
func (t *Trace) Check(found []Found) []string {
	rest := slices.Clone(found)
	match := func(fits func(*Found) bool) (f Found, ok bool) {
		i := slices.IndexFunc(rest, func(f Found) bool { return fits(&f) })
		if i < 0 {
			return f, false
		}
		f = rest[i]
		rest = slices.Delete(rest, i, i+1)
		return f, true
	}
	type open struct {
		line *Line
		want *Want
	}
	var unmet []open
	for i := range t.Lines {
		l := &t.Lines[i]
		for j := range l.Wants {
			w := &l.Wants[j]
			if _, ok := match(func(f *Found) bool { return w.at(l, f) && w.differs(f) == "" }); !ok {
				unmet = append(unmet, open{l, w})
			}
		}
	}
	var faults []string
	for _, o := range unmet { // perhaps there is a finding that differs
		difference := "no " + named(o.want.Undecided, o.want.Detector, o.want.Outcome) + " reported"
		if f, ok := match(func(f *Found) bool { return o.want.at(o.line, f) }); ok {
			difference = o.want.differs(&f)
		}
		faults = append(faults, t.where(o.line)+difference)
	}
	for _, f := range rest {
		faults = append(faults, fmt.Sprintf("%sunexpected %s%v: %s",
			t.where(t.lineOf(f.Frames)), named(f.Undecided, f.Detector, f.Outcome), f.Frames, f.Message))
	}
	return faults
}

// at reports whether the finding is of the wanted detector, at the line's frame.
func (w *Want) at(l *Line, f *Found) bool {
	return f.Detector == w.Detector && len(f.Frames) > 0 && f.Frames[0] == l.Seg.Frame
}

// differs says how a finding at the right frame differs from the wanted one, "" if
// it does not.
func (w *Want) differs(f *Found) string {
	message, err := regexp.Compile(w.Message)
	switch {
	case err != nil:
		return "want: " + err.Error()
	case w.Undecided != f.Undecided || w.Outcome != "" && w.Outcome != f.Outcome:
		return fmt.Sprintf("got %s, want %s", named(f.Undecided, f.Detector, f.Outcome), named(w.Undecided, w.Detector, w.Outcome))
	case w.Frames != nil && !slices.Equal(w.Frames, f.Frames):
		return fmt.Sprintf("%s has evidence %v, want %v", f.Detector, f.Frames, w.Frames)
	case !message.MatchString(f.Message):
		return fmt.Sprintf("%s says %q, want `%s`", f.Detector, f.Message, w.Message)
	}
	return ""
}

// CheckStates compares the states of both ends after the line with those that it
// asserts, if any. Each difference is a sentence.
func (t *Trace) CheckStates(l *Line, state func(end reassembly.Endpoint) (name string, bounded bool)) []string {
	if !l.HasStates {
		return nil
	}
	var faults []string
	for i, end := range l.StateEnds {
		got, bounded := state(end)
		switch {
		case got != l.States[i]:
			faults = append(faults, fmt.Sprintf("%s%s is %s, want %s", t.where(l), t.nameOf(l, end), got, l.States[i]))
		case l.Bounded[i] && !bounded:
			faults = append(faults, fmt.Sprintf("%s%s is certainly %s, want %s~ (bounded)", t.where(l), t.nameOf(l, end), got, got))
		}
	}
	return faults
}

// where begins a sentence about a line, which may be nil.
func (t *Trace) where(l *Line) string {
	switch {
	case l == nil:
		return t.Name + ": "
	case l.Captured:
		return fmt.Sprintf("%s:%d: frame %d: ", t.Name, l.SrcLine, l.Seg.Frame)
	}
	return fmt.Sprintf("%s:%d: ", t.Name, l.SrcLine)
}

// lineOf is the line of the first of the frames, nil if there is none.
func (t *Trace) lineOf(frames []uint32) *Line {
	for i := range t.Lines {
		if l := &t.Lines[i]; l.Captured && len(frames) > 0 && l.Seg.Frame == frames[0] {
			return l
		}
	}
	return nil
}
