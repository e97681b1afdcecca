package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
)

// A finding is one of tcptrace, or a planted fault: what both have in common.
type finding struct {
	Detector, Outcome, Culprit string
}

// verify compares the findings of tcptrace with the planted faults: speed does not
// count if the result is wrong.
func (e experiment) verify(c capture) error {
	ours := e.tools[0] // in every experiment
	out, err := exec.Command(ours.path, "--format", "json", c.file).Output()
	var status *exec.ExitError
	if err != nil && !(errors.As(err, &status) && slices.Contains(ours.okay, status.ExitCode())) {
		return fmt.Errorf("%s --format json: %w", ours.path, err)
	}
	var report struct {
		Findings []struct {
			finding
			Verdict string
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("%s --format json: %w", ours.path, err)
	}
	wanted := map[finding]bool{}
	for _, f := range c.truth.Faults {
		wanted[finding{f.Detector, f.Outcome, f.Culprit.String()}] = true
	}
	found, others := 0, 0
	for _, f := range report.Findings {
		switch {
		case f.Verdict != "seen":
		case wanted[f.finding]:
			found++
		default:
			others++
		}
	}
	fmt.Printf("findings: %d of %d planted faults found, %d other findings\n", found, len(wanted), others)
	return nil
}
