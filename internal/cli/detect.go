package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// chooseDetectors picks from all by --detect: "a,b" only these, "-a,-b" all but
// these.
func chooseDetectors(all []*detectors.Detector, list string) ([]*detectors.Detector, error) {
	if list == "" {
		return all, nil
	}
	named := map[string]bool{}
	without := strings.HasPrefix(strings.TrimSpace(list), "-")
	for _, word := range strings.Split(list, ",") {
		slug, minus := strings.CutPrefix(strings.TrimSpace(word), "-")
		if minus != without {
			return nil, fmt.Errorf("--detect %q: either name what to run, or with - what to leave out", list)
		}
		if findDetector(all, slug) == nil {
			return nil, fmt.Errorf("--detect: there is no detector %q (see --list)", slug)
		}
		named[slug] = true
	}
	var chosen []*detectors.Detector
	for _, d := range all {
		if named[d.Name] != without {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

func findDetector(all []*detectors.Detector, slug string) *detectors.Detector {
	for _, d := range all {
		if d.Name == slug {
			return d
		}
	}
	return nil
}

// settings are the thresholds that --set changes.
func settings(all []*detectors.Detector, f *flags) (*detectors.Settings, error) {
	s := &detectors.Settings{TimeWait: f.timeWait}
	for _, arg := range f.set {
		name, value, ok := strings.Cut(arg, "=")
		slug, param, dotted := strings.Cut(name, ".")
		if !ok || !dotted {
			return nil, fmt.Errorf("--set %q: want SLUG.PARAM=VALUE", arg)
		}
		d := findDetector(all, slug)
		if d == nil {
			return nil, fmt.Errorf("--set: there is no detector %q (see --list)", slug)
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("--set %s: %q is not a number", name, value)
		}
		if err := s.Set(d, param, v); err != nil {
			return nil, fmt.Errorf("--set: %w", err)
		}
	}
	return s, nil
}
