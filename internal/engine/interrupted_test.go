package engine_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
)

// A capture that was interrupted. The scenarios are not among those of the detectors, because
// nobody knows of it while the capture is read live.
func TestInterrupted(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/interrupted.txtar")
}

// Sequence numbers that are all 0: shifted, as those of the detectors' scenarios are, they are not.
func TestUnnumbered(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/unnumbered.txtar")
}
