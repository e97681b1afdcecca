package catalogue_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
)

// No server is accused for which something on the link of its client answers.
func TestSpokenFor(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/spoken-for.txtar")
}
