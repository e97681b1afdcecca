package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
)

// A verdict is a finding of tcptrace or a planted fault, as far as both say
// the same things.
type verdict struct {
	Detector, Outcome, Culprit string
}

// verify compares what tcptrace finds with what was planted: a quick wrong
// answer is none.
func (e experiment) verify(c capture) error {
	ours := e.tools[0] // in every experiment
	out, err := exec.Command(ours.path, "--format", "json", c.file).Output()
	var status *exec.ExitError
	if err != nil && !(errors.As(err, &status) && slices.Contains(ours.okay, status.ExitCode())) {
		return fmt.Errorf("%s --format json: %w", ours.path, err)
	}
	var report struct {
		Findings []struct {
			verdict
			Verdict string
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("%s --format json: %w", ours.path, err)
	}
	wanted := map[verdict]bool{}
	for _, f := range c.truth.Faults {
		wanted[verdict{f.Detector, f.Outcome, f.Culprit.String()}] = true
	}
	found, others := 0, 0
	for _, f := range report.Findings {
		switch {
		case f.Verdict != "seen":
		case wanted[f.verdict]:
			found++
		default:
			others++
		}
	}
	fmt.Printf("verdicts: %d of %d planted faults found, %d other findings\n", found, len(wanted), others)
	return nil
}
