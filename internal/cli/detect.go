package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// chooseDetectors applies --detect: "a,b" runs only these, "-a,-b" all but these.
func chooseDetectors(all []*detectors.Detector, list string) ([]*detectors.Detector, error) {
	if list == "" {
		return all, nil
	}
	named := map[string]bool{}
	without := strings.HasPrefix(strings.TrimSpace(list), "-")
	for _, word := range strings.Split(list, ",") {
		slug, minus := strings.CutPrefix(strings.TrimSpace(word), "-")
		if minus != without {
			return nil, fmt.Errorf("--detect %q: list detectors to run, or with - detectors to leave out, not both", list)
		}
		if findDetector(all, slug) == nil {
			return nil, fmt.Errorf("--detect: unknown detector %q (see --list)", slug)
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

// settings applies --set and --time-wait.
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
			return nil, fmt.Errorf("--set: unknown detector %q (see --list)", slug)
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
