package detectors

import (
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// Validate says what keeps the detectors from being run together: an error for each
// thing declared wrongly, which names the detector and the field. Detectors may yield
// to each other and to those in known, which need not be run.
func Validate(run []*Detector, known ...*Detector) error {
	var errs []error
	names := map[string]bool{}
	for _, d := range known {
		names[d.Name] = true
	}
	seen := map[string]bool{}
	for i, d := range run {
		if d == nil {
			errs = append(errs, fmt.Errorf("detector %d of %d is nil", i+1, len(run)))
			continue
		}
		if seen[d.Name] {
			errs = append(errs, fmt.Errorf("two detectors have the Name %q", d.Name))
		}
		seen[d.Name], names[d.Name] = true, true
		errs = append(errs, d.validate())
	}
	for _, d := range run {
		if d == nil {
			continue
		}
		for _, name := range d.YieldsTo {
			if !names[name] || name == d.Name {
				errs = append(errs, fmt.Errorf("detector %s: YieldsTo names %q, which is no other detector", d.Name, name))
			}
		}
	}
	return errors.Join(errs...)
}

// isKebab reports whether a name is of words in small letters, with a hyphen between them. Every start asks that of every name: no
// regular expression.
func isKebab(name string) bool {
	before := byte('-')
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c != '-' || before == '-') {
			return false
		}
		before = c
	}
	return before != '-'
}

// validate is about one detector by itself.
func (d *Detector) validate() error {
	var errs []error
	fail := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("detector %s: %s %s", d.Name, field, fmt.Sprintf(format, args...)))
	}
	kebab := func(field, name string, seen map[string]bool) {
		if !isKebab(name) {
			fail(field, "%q is not in kebab-case", name)
		} else if seen[name] {
			fail(field, "%q is declared twice", name)
		}
		seen[name] = true
	}
	kebab("Name", d.Name, map[string]bool{})
	if d.Watch == nil {
		fail("Watch", "is nil")
	}
	if d.StartsOn == 0 {
		fail("StartsOn", "is empty: it would never run")
	}
	if d.SkipsClose && d.StartsOn != fsm.On(fsm.FinSent) {
		fail("StartsOn", "must be FinSent alone if SkipsClose is set")
	}
	if d.Doc.Title == "" {
		fail("Doc.Title", "is empty")
	}
	if d.Absence > NothingAfterFIN {
		fail("Absence", "%d is none of those declared", d.Absence)
	}
	if len(d.Outcomes) == 0 {
		fail("Outcomes", "is empty")
	}
	seen := map[string]bool{}
	for i, o := range d.Outcomes {
		if o == nil {
			fail("Outcomes", "holds nil at %d", i)
			continue
		}
		kebab("Outcomes", o.Name, seen)
		if o.Fault > FaultPath {
			fail("Outcomes", "gives %q a fault of %d", o.Name, o.Fault)
		}
		if o.Severity > Critical {
			fail("Outcomes", "gives %q a severity of %d", o.Name, o.Severity)
		}
	}
	seen = map[string]bool{}
	for _, p := range d.Params {
		kebab("Params", p.Name, seen)
		if !(p.Min <= p.Default && p.Default <= p.Max) {
			fail("Params", "%s: the default %g does not lie between %g and %g", p.Name, p.Default, p.Min, p.Max)
		}
	}
	return errors.Join(errs...)
}
