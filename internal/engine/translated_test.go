package engine_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
)

// A connection that was captured before and after address translation. The scenarios are
// not among those of the detectors, because live capture reports a finding before it can know.
func TestTranslated(t *testing.T) { detectortest.Run(t, catalogue.All, "testdata/translated.txtar") }
