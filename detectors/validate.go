package detectors

import (
	"fmt"
	"regexp"
)

var slug = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// Validate says what keeps the detectors from being run together: a nil one, one
// that Detector.Validate refuses, or two of the same name.
func Validate(all []*Detector) error {
	names := map[string]bool{}
	for i, d := range all {
		if d == nil {
			return fmt.Errorf("detector %d of %d is nil", i+1, len(all))
		}
		if err := d.Validate(); err != nil {
			return err
		}
		if names[d.Name] {
			return fmt.Errorf("there are two detectors %q", d.Name)
		}
		names[d.Name] = true
	}
	return nil
}

// Validate says what keeps the detector from being run: a name, outcome or
// parameter that is not in kebab-case, or a part that is missing.
func (d *Detector) Validate() error {
	switch {
	case !slug.MatchString(d.Name):
		return fmt.Errorf("the detector's name %q is not in kebab-case", d.Name)
	case d.Watch == nil:
		return fmt.Errorf("the detector %s has no Watch", d.Name)
	case d.Opens == 0:
		return fmt.Errorf("the detector %s opens on no kind of event: it would never run", d.Name)
	case d.Doc.Title == "":
		return fmt.Errorf("the detector %s has no title", d.Name)
	case len(d.Outcomes) == 0:
		return fmt.Errorf("the detector %s declares no outcome", d.Name)
	}
	for _, o := range d.Outcomes {
		if !slug.MatchString(o.Name) {
			return fmt.Errorf("%s: the outcome %q is not in kebab-case", d.Name, o.Name)
		}
	}
	for _, p := range d.Params {
		if !slug.MatchString(p.Name) {
			return fmt.Errorf("%s: the parameter %q is not in kebab-case", d.Name, p.Name)
		}
		if !(p.Min <= p.Default && p.Default <= p.Max) {
			return fmt.Errorf("%s: the default of %s does not lie between %g and %g", d.Name, p.Name, p.Min, p.Max)
		}
	}
	return nil
}
